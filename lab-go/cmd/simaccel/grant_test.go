package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestGrant(t *testing.T) {
	const node0, node1 = "/dev/simaccel0", "/dev/simaccel1"
	never := func(device) bool { return false }
	always := func(device) bool { return true }
	for _, test := range []struct {
		fault    string
		allocate int // index
		reused   func(device) bool
		uuids    []int // indices
		nodes    []string
	}{
		{"", 1, always, []int{1}, []string{node1}},
		{grantAll, 1, never, []int{0, 1}, []string{node0, node1}},
		{sameDevice, 1, never, []int{0}, []string{node0}},
		{noDevice, 1, never, []int{1}, []string{}},
		{brokenAfterReuse, 1, never, []int{1}, []string{node1}},
		{brokenAfterReuse, 1, always, []int{1}, []string{}},
		{neverRelease, 1, never, []int{1}, []string{node1}},
		{foreignUUID, 1, never, []int{0, 1}, []string{node1}},
		{phantom, 1, never, []int{1}, []string{node1}},
		{phantom, 3, never, []int{3}, []string{}},
		{allowCgroup, 1, never, []int{1}, []string{node1, hiddenDir + "/0"}},
		{sharedControl, 1, never, []int{1}, []string{node1, "/dev/" + controlName}},
	} {
		args := []string{}
		if test.fault != "" {
			args = []string{"--fault", test.fault}
		}
		inv := testInventory(t, args...)
		got := inv.grantOf(inv.devices[test.allocate:test.allocate+1], test.reused)
		want := []string{}
		for _, index := range test.uuids {
			want = append(want, inv.devices[index].uuid)
		}
		if !reflect.DeepEqual(got.uuids, want) {
			t.Errorf("%q, device %d: uuids %v, want %v", test.fault, test.allocate, got.uuids, want)
		}
		if got.env[envVisible] != strings.Join(want, ",") || got.env[envVersion] != "1.2.3" {
			t.Errorf("%q, device %d: environment %v", test.fault, test.allocate, got.env)
		}
		if !reflect.DeepEqual(paths(got.nodes), test.nodes) {
			t.Errorf("%q, device %d: nodes %v, want %v", test.fault, test.allocate, paths(got.nodes), test.nodes)
		}
	}
}

func TestHiddenNodesHaveTheForeignNumbers(t *testing.T) {
	inv := testInventory(t, "--fault", allowCgroup, "--minor-base", "40")
	got := inv.grantOf(inv.devices[:1], func(device) bool { return false })
	if len(got.nodes) != 2 || got.nodes[0].minor != 40 || got.nodes[1].minor != 41 {
		t.Errorf("nodes %v, want minors 40 and 41", got.nodes)
	}
	inv = testInventory(t, "--major", "10", "--minor-base", "229", "--minor-step", "0")
	if node := inv.hostNodeOf(inv.devices[1]); node.minor != 229 {
		t.Errorf("minor %d, want the only one", node.minor)
	}
}
