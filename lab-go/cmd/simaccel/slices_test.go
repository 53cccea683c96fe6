package main

import (
	"context"
	"testing"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestPublishedDevices(t *testing.T) {
	inv := testInventory(t, "--fault", phantom, "--memory", "8Gi", "--model-name", "m", "--driver-version", "2.0.0")
	devices := inv.sliceDevices()
	if len(devices) != 4 {
		t.Fatalf("%d devices, want two real and two phantoms", len(devices))
	}
	last := devices[3]
	memory := last.Capacity["memory"].Value
	if last.Name != "accel-3" || *last.Attributes["model"].StringValue != "m" ||
		*last.Attributes["driverVersion"].VersionValue != "2.0.0" || *last.Attributes["index"].IntValue != 3 ||
		*last.Attributes["uuid"].StringValue != inv.devices[3].uuid || memory.String() != "8Gi" {
		t.Errorf("device %+v", last)
	}
}

func TestTwoSlicesShareTheDevices(t *testing.T) {
	for _, arguments := range [][]string{{"--fault", twoSlices}, nil} {
		inv := testInventory(t, arguments...)
		parts := inv.sliceParts()
		var names []string
		for _, part := range parts {
			for _, device := range part.Devices {
				names = append(names, device.Name)
			}
		}
		if len(parts) != 1+len(arguments)/2 || len(names) != 2 || names[0] == names[1] {
			t.Errorf("%v: %d slices with %v", arguments, len(parts), names)
		}
	}
}

func TestPartialPoolAnnouncesMoreThanItPublishes(t *testing.T) {
	inv := testInventory(t, "--fault", partialSlices)
	client := fake.NewClientset()
	if err := publish(context.Background(), nil, client, inv); err != nil {
		t.Fatal(err)
	}
	list, err := client.ResourceV1().ResourceSlices().List(context.Background(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("slices: %v, %v", list, err)
	}
	spec := list.Items[0].Spec
	if spec.Pool.ResourceSliceCount != 2 || *spec.NodeName != "node-a" || len(spec.Devices) != 2 {
		t.Errorf("slice %+v", spec)
	}
}

func TestOnlyOwnSlicesAreDeleted(t *testing.T) {
	inv := testInventory(t)
	client := fake.NewClientset()
	for name, spec := range map[string]resourceapi.ResourceSliceSpec{
		"own":          {Driver: inv.driverName, Pool: resourceapi.ResourcePool{Name: "node-a"}},
		"other-node":   {Driver: inv.driverName, Pool: resourceapi.ResourcePool{Name: "node-b"}},
		"other-driver": {Driver: "gpu.example.com", Pool: resourceapi.ResourcePool{Name: "node-a"}},
	} {
		slice := &resourceapi.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
		if _, err := client.ResourceV1().ResourceSlices().Create(context.Background(), slice, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := withdraw(client, inv); err != nil {
		t.Fatal(err)
	}
	list, err := client.ResourceV1().ResourceSlices().List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, slice := range list.Items {
		left[slice.Name] = true
	}
	if len(left) != 2 || left["own"] {
		t.Errorf("left: %v", left)
	}
}
