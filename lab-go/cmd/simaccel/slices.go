package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/dynamic-resource-allocation/resourceslice"
)

// withdrawTime bounds how long a stopping driver waits for an API server that may be gone as well.
const withdrawTime = 5 * time.Second

// publish offers the devices in one pool named after the node.
func publish(ctx context.Context, helper *kubeletplugin.Helper, client kubernetes.Interface, inv *inventory) error {
	if inv.faults.has(partialSlices) {
		return publishPart(ctx, client, inv)
	}
	pool := resourceslice.Pool{Slices: inv.sliceParts()}
	if inv.faults.has(allNodes) {
		pool.NodeSelector = hostnameSelector(inv.nodeName)
	}
	return helper.PublishResources(ctx, resourceslice.DriverResources{
		Pools: map[string]resourceslice.Pool{inv.nodeName: pool},
	})
}

// publishPart makes one of two announced slices. The helper cannot be made to do this, so it is not used.
func publishPart(ctx context.Context, client kubernetes.Interface, inv *inventory) error {
	spec := resourceapi.ResourceSliceSpec{
		Driver:   inv.driverName,
		Pool:     resourceapi.ResourcePool{Name: inv.nodeName, Generation: 1, ResourceSliceCount: 2},
		NodeName: new(inv.nodeName),
		Devices:  inv.sliceDevices(),
	}
	if inv.faults.has(allNodes) {
		spec.NodeName, spec.NodeSelector = nil, hostnameSelector(inv.nodeName)
	}
	slice := &resourceapi.ResourceSlice{
		ObjectMeta: metav1.ObjectMeta{GenerateName: inv.nodeName + "-part-"},
		Spec:       spec,
	}
	if _, err := client.ResourceV1().ResourceSlices().Create(ctx, slice, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("cannot publish a ResourceSlice: %w", err)
	}
	return nil
}

func hostnameSelector(node string) *corev1.NodeSelector {
	return &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchExpressions: []corev1.NodeSelectorRequirement{{
			Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node},
		}},
	}}}
}

// sliceParts are the devices in one slice, or in two.
func (inv *inventory) sliceParts() []resourceslice.Slice {
	devices := inv.sliceDevices()
	if !inv.faults.has(twoSlices) || len(devices) < 2 {
		return []resourceslice.Slice{{Devices: devices}}
	}
	half := len(devices) / 2
	return []resourceslice.Slice{{Devices: devices[:half]}, {Devices: devices[half:]}}
}

// sliceDevices are the devices as ResourceSlices show them.
func (inv *inventory) sliceDevices() []resourceapi.Device {
	devices := []resourceapi.Device{}
	for _, dev := range inv.devices {
		devices = append(devices, resourceapi.Device{
			Name: dev.name,
			Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
				"model":         {StringValue: new(inv.modelName)},
				"driverVersion": {VersionValue: new(inv.driverVersion)},
				"uuid":          {StringValue: new(dev.uuid)},
				"index":         {IntValue: new(int64(dev.index))},
			},
			Capacity: map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{
				"memory": {Value: inv.memory},
			},
		})
	}
	return devices
}

// withdraw deletes the node's slices when the driver stops, although its context has ended.
func withdraw(client kubernetes.Interface, inv *inventory) error {
	ctx, cancel := context.WithTimeout(context.Background(), withdrawTime)
	defer cancel()
	return deleteSlices(ctx, client, inv)
}

// deleteSlices deletes every slice of this driver in this node's pool, whoever published it.
func deleteSlices(ctx context.Context, client kubernetes.Interface, inv *inventory) error {
	api := client.ResourceV1().ResourceSlices()
	selector := fields.Set{resourceapi.ResourceSliceSelectorDriver: inv.driverName}.String()
	list, err := api.List(ctx, metav1.ListOptions{FieldSelector: selector})
	if err != nil {
		return fmt.Errorf("cannot list ResourceSlices: %w", err)
	}
	for _, slice := range list.Items {
		if slice.Spec.Driver != inv.driverName || slice.Spec.Pool.Name != inv.nodeName {
			continue
		}
		if err := api.Delete(ctx, slice.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("cannot delete ResourceSlice %s: %w", slice.Name, err)
		}
	}
	return nil
}
