package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/klog/v2"
)

const (
	// scrapeTime bounds one scrape: a stuck kubelet or runtime must not pile scrapes up.
	scrapeTime = 5 * time.Second
	// shortestWindow is the shortest time over which a utilization is computed.
	shortestWindow = 250 * time.Millisecond
)

// holder is the container that has a device; the empty one holds nothing.
type holder struct {
	namespace, pod, container string
}

// usage is one reading of a container's counters.
type usage struct {
	at     time.Time
	cpu    time.Duration // CPU time since the container started
	memory uint64        // bytes, without page cache
}

// usageReader gets the facts of a scrape.
type usageReader interface {
	// holders maps device uuids to the containers that hold them.
	holders(ctx context.Context) (map[string][]holder, error)
	// usages maps running containers to their counters.
	usages(ctx context.Context) (map[holder]usage, error)
}

// exporter shows the true load of the containers that hold devices: the CPU time they use stands for the
// accelerator's utilization, their memory for the accelerator's. Somebody who holds two devices loads both.
type exporter struct {
	inv    *inventory
	reader usageReader

	mutex sync.Mutex
	last  map[holder]usage

	utilization, memoryUsed, memoryTotal *prometheus.Desc
}

func newExporter(inv *inventory, reader usageReader) *exporter {
	fixed := prometheus.Labels{"node": inv.nodeName, "model": inv.modelName}
	own := []string{"uuid", "index"}
	held := append(own, "namespace", "pod", "container")
	return &exporter{
		inv: inv, reader: reader, last: map[holder]usage{},
		utilization: prometheus.NewDesc("simaccel_utilization_percent",
			"Share of the time that the accelerator's holder computed, 0 to 100.", held, fixed),
		memoryUsed: prometheus.NewDesc("simaccel_memory_used_bytes",
			"Memory that the accelerator's holder uses.", held, fixed),
		memoryTotal: prometheus.NewDesc("simaccel_memory_total_bytes",
			"Memory of the accelerator.", own, fixed),
	}
}

// startExporter serves /metrics in the background; the function it returns ends that.
func startExporter(ctx context.Context, inv *inventory) (func(), error) {
	reader, err := newNodeReader(inv)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(newExporter(inv, reader))
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", inv.metricsAddr)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot listen on --metrics-addr %s: %w", inv.metricsAddr, err), reader.close())
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: scrapeTime}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			klog.ErrorS(err, "Metrics endpoint failed")
		}
	}()
	return func() { _ = errors.Join(server.Close(), reader.close()) }, nil
}

// Describe sends the descriptions of all metrics.
func (e *exporter) Describe(out chan<- *prometheus.Desc) {
	out <- e.utilization
	out <- e.memoryUsed
	out <- e.memoryTotal
}

// Collect reads the counters. If that fails the scrape fails, so that nobody mistakes old values for new ones.
func (e *exporter) Collect(out chan<- prometheus.Metric) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	holders, before, after, err := e.readings(ctx)
	if err != nil {
		klog.ErrorS(err, "Scrape failed")
		out <- prometheus.NewInvalidMetric(e.utilization, err)
		return
	}
	for _, dev := range e.inv.existing() {
		var percent, memory float64
		var who holder
		for _, candidate := range holders[dev.uuid] {
			now, running := after[candidate]
			if !running {
				continue
			}
			// One series a device: of several holders the first is named, and their loads are added.
			who = cmp.Or(who, candidate)
			percent += utilizationPercent(before[candidate], now)
			memory += float64(now.memory)
		}
		labels := []string{dev.uuid, fmt.Sprint(dev.index)}
		out <- prometheus.MustNewConstMetric(e.memoryTotal, prometheus.GaugeValue,
			float64(e.inv.memory.Value()), labels...)
		// Empty labels and zero: nobody holds it, which differs from a holder that is idle.
		labels = append(labels, who.namespace, who.pod, who.container)
		out <- prometheus.MustNewConstMetric(e.utilization, prometheus.GaugeValue, min(percent, 100), labels...)
		out <- prometheus.MustNewConstMetric(e.memoryUsed, prometheus.GaugeValue, memory, labels...)
	}
}

// readings are who holds what, the counters of the last scrape, and those of now. A rate needs two readings:
// for a holder that was never read, or only just now, a second one is taken after shortestWindow.
func (e *exporter) readings(ctx context.Context) (map[string][]holder, map[holder]usage, map[holder]usage, error) {
	holders, err := e.reader.holders(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	before := e.last
	after, err := e.reader.usages(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	if tooEarly(holders, before, after) {
		before = after
		select {
		case <-ctx.Done():
			return nil, nil, nil, ctx.Err()
		case <-time.After(shortestWindow):
		}
		if after, err = e.reader.usages(ctx); err != nil {
			return nil, nil, nil, err
		}
	}
	e.last = after
	return holders, before, after, nil
}

func tooEarly(holders map[string][]holder, before, after map[holder]usage) bool {
	for _, candidates := range holders {
		for _, candidate := range candidates {
			now, running := after[candidate]
			last, known := before[candidate]
			if running && (!known || now.at.Sub(last.at) < shortestWindow || now.cpu < last.cpu) {
				return true
			}
		}
	}
	return false
}

// utilizationPercent is CPU time over wall time between two readings. Without a window there is none.
func utilizationPercent(before, now usage) float64 {
	window := now.at.Sub(before.at)
	if before.at.IsZero() || window <= 0 || now.cpu < before.cpu {
		return 0
	}
	return 100 * float64(now.cpu-before.cpu) / float64(window)
}
