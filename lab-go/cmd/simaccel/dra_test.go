package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
	cdi "tags.cncf.io/container-device-interface/specs-go"
)

// claimOf is a claim whose requests were given the named devices: "request=device".
func claimOf(uid string, pairs ...[2]string) *resourceapi.ResourceClaim {
	allocation := &resourceapi.AllocationResult{}
	for _, pair := range pairs {
		allocation.Devices.Results = append(allocation.Devices.Results, resourceapi.DeviceRequestAllocationResult{
			Request: pair[0], Driver: "accel.sim.aiconform.dev", Pool: "node-a", Device: pair[1],
		})
	}
	return &resourceapi.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "claim-" + uid, Namespace: "ns", UID: types.UID(uid)},
		Status:     resourceapi.ResourceClaimStatus{Allocation: allocation},
	}
}

func newTestDriver(t *testing.T, inv *inventory) *draDriver {
	t.Helper()
	driver, err := newDRADriver(inv)
	if err != nil {
		t.Fatal(err)
	}
	return driver
}

func prepare(t *testing.T, driver *draDriver, claim *resourceapi.ResourceClaim) kubeletplugin.PrepareResult {
	t.Helper()
	results, err := driver.PrepareResourceClaims(context.Background(), []*resourceapi.ResourceClaim{claim})
	if err != nil || len(results) != 1 {
		t.Fatalf("prepare: %v, %v", results, err)
	}
	return results[claim.UID]
}

func unprepare(t *testing.T, driver *draDriver, uid string) error {
	t.Helper()
	results, err := driver.UnprepareResourceClaims(context.Background(),
		[]kubeletplugin.NamespacedObject{{UID: types.UID(uid)}})
	if err != nil || len(results) != 1 {
		t.Fatalf("unprepare: %v, %v", results, err)
	}
	return results[types.UID(uid)]
}

// specs reads every CDI device in the folder: its full name and what it edits.
func specs(t *testing.T, inv *inventory) map[string]cdi.ContainerEdits {
	t.Helper()
	found := map[string]cdi.ContainerEdits{}
	files, err := filepath.Glob(filepath.Join(inv.cdiDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var spec cdi.Spec
		if err := json.Unmarshal(data, &spec); err != nil {
			t.Fatal(err)
		}
		for _, dev := range spec.Devices {
			found[spec.Kind+"="+dev.Name] = dev.ContainerEdits
		}
	}
	return found
}

func TestEachRequestKeepsItsOwnDevices(t *testing.T) {
	inv := testInventory(t, "--devices", "3")
	driver := newTestDriver(t, inv)
	result := prepare(t, driver, claimOf("u1",
		[2]string{"one", "accel-2"}, [2]string{"two/sub", "accel-0"}, [2]string{"two/sub", "accel-1"}))
	if result.Err != nil || len(result.Devices) != 3 {
		t.Fatalf("result %+v", result)
	}
	kind := "accel.sim.aiconform.dev/accel="
	ids := [][]string{}
	for _, dev := range result.Devices {
		ids = append(ids, dev.CDIDeviceIDs)
	}
	if want := [][]string{{kind + "u1-one"}, {kind + "u1-two_sub"}, nil}; !reflect.DeepEqual(ids, want) {
		t.Errorf("CDI ids %v, want %v", ids, want)
	}
	written := specs(t, inv)
	for name, want := range map[string][]int{kind + "u1-one": {2}, kind + "u1-two_sub": {0, 1}} {
		edits := written[name]
		if len(edits.DeviceNodes) != len(want) || len(edits.Mounts) != len(want) {
			t.Fatalf("%s: %+v", name, edits)
		}
		visible := envVisible + "="
		for at, index := range want {
			node := edits.DeviceNodes[at]
			if node.Minor != int64(20+index) || node.Major != 4 || node.Permissions != "rw" || node.Type != "c" {
				t.Errorf("%s: node %+v", name, node)
			}
			if at > 0 {
				visible += ","
			}
			visible += inv.devices[index].uuid
		}
		if edits.Env[1] != visible {
			t.Errorf("%s: environment %v, want %s", name, edits.Env, visible)
		}
	}
}

func TestReleaseAndReuse(t *testing.T) {
	inv := testInventory(t, "--fault", brokenAfterReuse)
	driver := newTestDriver(t, inv)
	nodes := func(uid, name string) int {
		if result := prepare(t, driver, claimOf(uid, [2]string{"r", name})); result.Err != nil {
			t.Fatal(result.Err)
		}
		return len(specs(t, inv)["accel.sim.aiconform.dev/accel="+uid+"-r"].DeviceNodes)
	}
	if nodes("u1", "accel-0") != 1 || nodes("u1", "accel-0") != 1 {
		t.Error("the first grant, and its repetition, must have a node")
	}
	for range 2 { // the kubelet may ask twice
		if err := unprepare(t, driver, "u1"); err != nil {
			t.Fatal(err)
		}
	}
	if left := specs(t, inv); len(left) != 0 {
		t.Errorf("specs left after release: %v", left)
	}
	if nodes("u2", "accel-0") != 0 {
		t.Error("a reused device must have no node with this fault")
	}
	if nodes("u3", "accel-1") != 1 {
		t.Error("a fresh device must have a node")
	}
}

func TestDoubleAllocationIsRefusedEvenAfterARestart(t *testing.T) {
	inv := testInventory(t)
	if result := prepare(t, newTestDriver(t, inv), claimOf("u1", [2]string{"r", "accel-0"})); result.Err != nil {
		t.Fatal(result.Err)
	}
	restarted := newTestDriver(t, inv)
	if result := prepare(t, restarted, claimOf("u2", [2]string{"r", "accel-0"})); result.Err == nil {
		t.Error("a second claim got a device that is in use")
	}
	admin := claimOf("u3", [2]string{"r", "accel-0"})
	admin.Status.Allocation.Devices.Results[0].AdminAccess = new(true)
	if result := prepare(t, restarted, admin); result.Err != nil {
		t.Errorf("admin access: %v", result.Err)
	}
	if err := unprepare(t, restarted, "u1"); err != nil {
		t.Fatal(err)
	}
	if result := prepare(t, restarted, claimOf("u2", [2]string{"r", "accel-0"})); result.Err != nil {
		t.Errorf("after the release: %v", result.Err)
	}
}

func TestNeverReleaseKeepsTheClaim(t *testing.T) {
	inv := testInventory(t, "--fault", neverRelease)
	driver := newTestDriver(t, inv)
	prepare(t, driver, claimOf("u1", [2]string{"r", "accel-0"}))
	if unprepare(t, driver, "u1") == nil || unprepare(t, driver, "u1") == nil || len(specs(t, inv)) != 1 {
		t.Error("the claim was released")
	}
}

func TestForeignPoolsAndUnknownDevicesAreRefused(t *testing.T) {
	driver := newTestDriver(t, testInventory(t))
	if result := prepare(t, driver, claimOf("u1", [2]string{"r", "accel-9"})); result.Err == nil {
		t.Error("an unknown device was prepared")
	}
	elsewhere := claimOf("u2", [2]string{"r", "accel-0"})
	elsewhere.Status.Allocation.Devices.Results[0].Pool = "node-b"
	if result := prepare(t, driver, elsewhere); result.Err == nil {
		t.Error("a device of another pool was prepared")
	}
}

func TestNothingIsPublishedBeforeTheKubeletKnowsTheDriver(t *testing.T) {
	driver := newTestDriver(t, testInventory(t))
	ctx, cancel := context.WithCancel(context.Background())
	published, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- driver.serve(ctx, func() error { close(published); return nil }) }()
	notify := func(registered bool) {
		_, err := driver.seeRegistration(ctx, &registration.RegistrationStatus{PluginRegistered: registered}, nil,
			func(context.Context, any) (any, error) { return nil, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	notify(false)
	select {
	case <-published:
		t.Fatal("published after a refused registration")
	case <-driver.registered:
		t.Fatal("a refused registration counts")
	default:
	}
	notify(true)
	notify(true) // a restarted kubelet registers again
	select {
	case <-published:
	case <-time.After(patience):
		t.Fatal("not published")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
