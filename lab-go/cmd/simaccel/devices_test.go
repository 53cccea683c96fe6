package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestIdentitiesAreStableAndDistinct(t *testing.T) {
	first, again := testInventory(t), testInventory(t)
	other := testInventory(t, "--node-name", "node-b")
	seen := map[string]bool{}
	for index, dev := range first.devices {
		if dev.uuid != again.devices[index].uuid {
			t.Errorf("device %d changed its uuid", index)
		}
		seen[dev.uuid], seen[other.devices[index].uuid] = true, true
	}
	if len(seen) != 4 {
		t.Errorf("two nodes of two devices have %d uuids", len(seen))
	}
}

// makeOrSkip makes the inventory's nodes, or skips the test where that is not allowed.
func makeOrSkip(t *testing.T, inv *inventory) {
	t.Helper()
	probe := filepath.Join(t.TempDir(), "probe")
	if err := unix.Mknod(probe, unix.S_IFCHR|0o666, int(unix.Mkdev(4, 20))); err != nil {
		t.Skipf("making device nodes needs root and CAP_MKNOD: %v", err)
	}
	if err := inv.makeNodes(); err != nil {
		t.Fatal(err)
	}
}

func TestNodesAreMadeAndOnlyOwnOnesRemoved(t *testing.T) {
	inv := testInventory(t, "--fault", sharedControl, "--minor-base", "30")
	if err := os.MkdirAll(inv.deviceDir, 0o755); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(inv.deviceDir, "simaccel0")
	if err := unix.Mknod(foreign, unix.S_IFCHR|0o600, int(unix.Mkdev(4, 30))); err != nil {
		t.Skipf("making device nodes needs root and CAP_MKNOD: %v", err)
	}
	makeOrSkip(t, inv)
	for path, minor := range map[string]uint32{"simaccel0": 30, "simaccel1": 31, controlName: 39} {
		path = filepath.Join(inv.deviceDir, path)
		if !isNode(path, unix.Mkdev(4, minor)) {
			t.Errorf("%s is not character device 4:%d", path, minor)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if path != foreign && info.Mode().Perm() != 0o666 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
	}
	if err := inv.removeNodes(); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(inv.deviceDir, "*"))
	if err != nil || len(left) != 1 || left[0] != foreign {
		t.Errorf("left after removal: %v (%v), want only %s", left, err, foreign)
	}
}

func TestOccupiedNamesAreRefused(t *testing.T) {
	inv := testInventory(t)
	if err := os.MkdirAll(inv.deviceDir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(inv.deviceDir, "simaccel1")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	makeOrSkip(t, testInventory(t)) // skips where nodes cannot be made
	err := inv.makeNodes()
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names %s", err, path)
	}
	if err := inv.removeNodes(); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "mine" {
		t.Errorf("the foreign file was touched: %q, %v", data, err)
	}
}

func TestNodesOfAKilledPredecessorAreRemoved(t *testing.T) {
	killed := testInventory(t, "--devices", "3")
	makeOrSkip(t, killed)
	next := newInventory(killed.options)
	next.options.devices, next.devices = 1, next.devices[:1]
	if err := next.makeNodes(); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(next.deviceDir, "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("nodes %v (%v), want only the first", left, err)
	}
	if err := next.removeNodes(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(next.deviceDir, "*")); len(left) != 0 {
		t.Errorf("left at the end: %v", left)
	}
}
