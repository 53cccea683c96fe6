package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/kubelet/pkg/apis/podresources/v1"
)

// fakeReader answers with one prepared reading after the other, the last one for ever.
type fakeReader struct {
	held     map[string][]holder
	readings []map[holder]usage
	asked    int
	err      error
}

func (f *fakeReader) holders(context.Context) (map[string][]holder, error) { return f.held, f.err }

func (f *fakeReader) usages(context.Context, map[string][]holder) (map[holder]usage, error) {
	at := min(f.asked, len(f.readings)-1)
	f.asked++
	return f.readings[at], nil
}

// scrape returns every sample as "name{index,pod}" -> value.
func scrape(t *testing.T, collector prometheus.Collector) (map[string]float64, error) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector)
	families, err := registry.Gather()
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.Metric {
			index, pod := "", ""
			for _, label := range metric.Label {
				switch label.GetName() {
				case "index":
					index = label.GetValue()
				case "pod":
					pod = label.GetValue()
				}
			}
			values[strings.TrimPrefix(family.GetName(), "simaccel_")+"{"+index+","+pod+"}"] = metric.Gauge.GetValue()
		}
	}
	return values, err
}

func TestLoadOfTheHolderIsLoadOfTheDevice(t *testing.T) {
	inv := testInventory(t, "--metrics-format", formatNative)
	busy := holder{"ns", "busy", "c"}
	start := time.Unix(1000, 0)
	second := func(n int, cpu time.Duration, memory uint64) map[holder]usage {
		return map[holder]usage{busy: {at: start.Add(time.Duration(n) * time.Second), work: work{"1": cpu}, memory: memory}}
	}
	reader := &fakeReader{
		held: map[string][]holder{inv.devices[1].uuid: {busy}},
		readings: []map[holder]usage{
			second(0, 5*time.Second, 100), second(1, 5500*time.Millisecond, 200), // the first scrape reads twice
			second(11, 8*time.Second, 300),
			second(12, 12*time.Second, 300),
		},
	}
	exporter := newExporter(inv, reader)
	for round, want := range []struct{ percent, memory float64 }{{50, 200}, {25, 300}, {100, 300}} {
		values, err := scrape(t, exporter)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]float64{
			"utilization_percent{1,busy}": want.percent, "memory_used_bytes{1,busy}": want.memory,
			"utilization_percent{0,}": 0, "memory_used_bytes{0,}": 0,
			"memory_total_bytes{0,}": 16 << 30, "memory_total_bytes{1,}": 16 << 30,
		} {
			if got, found := values[name]; !found || got != value {
				t.Errorf("round %d: %s is %v (%v), want %v", round, name, got, found, value)
			}
		}
		if len(values) != 6 {
			t.Errorf("round %d: %v", round, values)
		}
	}
}

func TestHoldersOfOneDeviceAreAdded(t *testing.T) {
	inv := testInventory(t, "--metrics-format", formatNative)
	first, second, gone := holder{"ns", "a", "c"}, holder{"ns", "b", "c"}, holder{"ns", "0", "c"}
	reading := func(n int) map[holder]usage {
		at, cpu := time.Unix(int64(1000+n), 0), time.Duration(n)*200*time.Millisecond
		return map[holder]usage{first: {at, work{"1": cpu}, 10}, second: {at, work{"2": cpu}, 20}}
	}
	values, err := scrape(t, newExporter(inv, &fakeReader{
		held:     map[string][]holder{inv.devices[0].uuid: {gone, first, second}},
		readings: []map[holder]usage{reading(0), reading(1)},
	}))
	if err != nil || values["utilization_percent{0,a}"] != 40 || values["memory_used_bytes{0,a}"] != 30 {
		t.Errorf("got %v, %v", values, err)
	}
}

func TestAFailedScrapeShowsNothing(t *testing.T) {
	values, err := scrape(t, newExporter(testInventory(t), &fakeReader{err: errors.New("kubelet is away")}))
	if err == nil || !strings.Contains(err.Error(), "kubelet is away") || len(values) != 0 {
		t.Errorf("got %v, %v", values, err)
	}
}

func TestHoldersByBothWays(t *testing.T) {
	inv := testInventory(t)
	reader := &nodeReader{inv: inv}
	dynamic := func(driver, pool, name string) *v1.DynamicResource {
		return &v1.DynamicResource{ClaimResources: []*v1.ClaimResource{
			{DriverName: driver, PoolName: pool, DeviceName: name},
		}}
	}
	got := reader.devicesOf(&v1.ContainerResources{
		Devices: []*v1.ContainerDevices{
			{ResourceName: inv.resourceName, DeviceIds: []string{inv.devices[0].uuid}},
			{ResourceName: "example.com/nic", DeviceIds: []string{"nic-0"}},
		},
		DynamicResources: []*v1.DynamicResource{
			dynamic(inv.driverName, "node-a", "accel-1"),
			dynamic(inv.driverName, "node-b", "accel-0"),
			dynamic("gpu.example.com", "node-a", "accel-0"),
		},
	})
	if len(got) != 2 || got[0] != inv.devices[0].uuid || got[1] != inv.devices[1].uuid {
		t.Errorf("devices %v", got)
	}
}
