package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"
)

// Labels that every kubelet puts on its containers.
const (
	labelNamespace = "io.kubernetes.pod.namespace"
	labelPod       = "io.kubernetes.pod.name"
	labelContainer = "io.kubernetes.container.name"

	// The lists of a full node (110 pods) exceed gRPC's default of 4 MiB only with absurd names; the kubelet's
	// own limit for this API is 16 MiB.
	maxMessage = 16 << 20
)

// nodeReader asks the kubelet who holds what, and the runtime and the kernel what the holders use. Nothing here depends
// on the version of cgroups.
type nodeReader struct {
	inv              *inventory
	kubelet, runtime *grpc.ClientConn
	podResources     podresources.PodResourcesListerClient
	containers       cri.RuntimeServiceClient
}

// newNodeReader makes the connections; nothing is sent before the first scrape.
func newNodeReader(inv *inventory) (*nodeReader, error) {
	kubelet, err := dial(filepath.Join(inv.kubeletRoot, "pod-resources", "kubelet.sock"))
	if err != nil {
		return nil, err
	}
	runtime, err := dial(inv.criSocket)
	if err != nil {
		return nil, errors.Join(err, kubelet.Close())
	}
	return &nodeReader{
		inv: inv, kubelet: kubelet, runtime: runtime,
		podResources: podresources.NewPodResourcesListerClient(kubelet),
		containers:   cri.NewRuntimeServiceClient(runtime),
	}, nil
}

func dial(socket string) (*grpc.ClientConn, error) {
	connection, err := grpc.NewClient("unix://"+socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		return nil, fmt.Errorf("cannot use socket %s: %w", socket, err)
	}
	return connection, nil
}

func (r *nodeReader) close() error {
	return errors.Join(r.kubelet.Close(), r.runtime.Close())
}

func (r *nodeReader) holders(ctx context.Context) (map[string][]holder, error) {
	list, err := r.podResources.List(ctx, &podresources.ListPodResourcesRequest{})
	if err != nil {
		return nil, fmt.Errorf("cannot ask the kubelet who holds devices: %w", err)
	}
	held := map[string][]holder{}
	for _, pod := range list.PodResources {
		for _, container := range pod.Containers {
			who := holder{namespace: pod.Namespace, pod: pod.Name, container: container.Name}
			for _, uuid := range r.devicesOf(container) {
				held[uuid] = append(held[uuid], who)
			}
		}
	}
	for _, who := range held {
		slices.SortFunc(who, func(a, b holder) int {
			return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.pod, b.pod),
				cmp.Compare(a.container, b.container))
		})
	}
	return held, nil
}

// devicesOf are the uuids of our devices that the container holds, by either way.
func (r *nodeReader) devicesOf(container *podresources.ContainerResources) []string {
	var uuids []string
	for _, devices := range container.Devices {
		if devices.ResourceName == r.inv.resourceName {
			uuids = append(uuids, devices.DeviceIds...)
		}
	}
	for _, dynamic := range container.DynamicResources {
		for _, claimed := range dynamic.ClaimResources {
			if claimed.DriverName != r.inv.driverName || claimed.PoolName != r.inv.nodeName {
				continue
			}
			if dev, found := r.inv.byName(claimed.DeviceName); found {
				uuids = append(uuids, dev.uuid)
			}
		}
	}
	return uuids
}

// usages asks for the holders alone: every counter costs the runtime a call to the container's shim.
func (r *nodeReader) usages(ctx context.Context, holders map[string][]holder) (map[holder]usage, error) {
	found, ids, started := map[holder]usage{}, map[string]holder{}, map[holder]int64{}
	for who := range distinct(holders) {
		list, err := r.containers.ListContainerStats(ctx, &cri.ListContainerStatsRequest{
			Filter: &cri.ContainerStatsFilter{LabelSelector: map[string]string{
				labelNamespace: who.namespace, labelPod: who.pod, labelContainer: who.container,
			}},
		})
		if err != nil {
			return nil, fmt.Errorf("cannot ask the container runtime for usage: %w", err)
		}
		for _, stats := range list.Stats {
			// A restarted container appears twice, once dead without counters: the latest counts.
			if at := stats.GetCpu().GetTimestamp(); stats.GetCpu() != nil && at > started[who] {
				started[who] = at
				found[who] = usage{memory: stats.GetMemory().GetRssBytes().GetValue()}
				ids[stats.GetAttributes().GetId()] = who
			}
		}
	}
	if len(ids) == 0 {
		return found, nil
	}
	works, err := readWork("/proc", slices.Collect(maps.Keys(ids)))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	for id, who := range ids {
		found[who] = usage{at: now, work: works[id], memory: found[who].memory}
	}
	return found, nil
}

func distinct(holders map[string][]holder) map[holder]bool {
	found := map[holder]bool{}
	for _, candidates := range holders {
		for _, who := range candidates {
			found[who] = true
		}
	}
	return found
}
