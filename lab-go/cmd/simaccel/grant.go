package main

import (
	"fmt"
	"slices"
	"strings"
)

const (
	envVisible = "SIMACCEL_VISIBLE_DEVICES"
	envVersion = "SIMACCEL_DRIVER_VERSION"

	// hiddenDir holds the foreign nodes of fault allow-cgroup, away from anything that lists /dev.
	hiddenDir = "/run/.simaccel"
)

// grant is what one allocation puts into a container. Both modes turn the same grant into their own format,
// so that a fault means the same in both.
type grant struct {
	uuids []string
	nodes []hostNode
	env   map[string]string
}

// grantOf decides what an allocation of these devices carries. reused says which of them were released before.
func (inv *inventory) grantOf(allocated []device, reused func(device) bool) grant {
	carried := allocated
	if inv.faults.has(sameDevice) && len(inv.devices) > 0 {
		carried = inv.devices[:1]
	}
	if inv.faults.has(grantAll) {
		carried = inv.existing()
	}
	var result grant
	for _, dev := range carried {
		result.uuids = append(result.uuids, dev.uuid)
		if inv.hasNode(dev, reused) {
			result.nodes = append(result.nodes, inv.hostNodeOf(dev))
		}
	}
	if inv.faults.has(foreignUUID) {
		result.uuids = nil
		for _, dev := range inv.devices {
			result.uuids = append(result.uuids, dev.uuid)
		}
	}
	if inv.faults.has(allowCgroup) {
		result.nodes = append(result.nodes, inv.hiddenNodes(result.nodes)...)
	}
	if inv.faults.has(sharedControl) {
		result.nodes = append(result.nodes, inv.controlNode())
	}
	result.env = map[string]string{
		envVisible: strings.Join(result.uuids, ","),
		envVersion: inv.driverVersion,
	}
	return result
}

func (inv *inventory) hasNode(dev device, reused func(device) bool) bool {
	switch {
	case dev.phantom, inv.faults.has(noDevice):
		return false
	case inv.faults.has(brokenAfterReuse):
		return !reused(dev)
	}
	return true
}

// hiddenNodes are the node's devices that are not in granted, at paths where nobody looks.
func (inv *inventory) hiddenNodes(granted []hostNode) []hostNode {
	var hidden []hostNode
	for _, dev := range inv.existing() {
		node := inv.hostNodeOf(dev)
		if slices.Contains(granted, node) {
			continue
		}
		node.container = fmt.Sprintf("%s/%d", hiddenDir, dev.index)
		hidden = append(hidden, node)
	}
	return hidden
}
