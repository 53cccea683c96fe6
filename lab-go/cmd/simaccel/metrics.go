package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// The names of --metrics-format. Each stands for the metric names, units and labels of a kind of exporter.
const (
	formatDCGM   = "dcgm"
	formatMIG    = "dcgm-mig"
	formatOTel   = "otel"
	formatAMD    = "amd"
	formatNative = "native"
)

// emit takes one sample of a gauge.
type emit func(name, help string, value float64, labels prometheus.Labels)

// format writes the samples of one device.
type format func(inv *inventory, one load, out emit)

const mebibyte = 1 << 20

var formats = map[string]format{
	formatDCGM: func(inv *inventory, one load, out emit) {
		labels := join(one, prometheus.Labels{
			"gpu": fmt.Sprint(one.dev.index), "UUID": one.dev.uuid, "device": one.dev.name,
			"modelName": inv.modelName, "Hostname": inv.nodeName,
		})
		out("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", one.percent, labels)
		out("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", one.memory/mebibyte, labels)
	},
	// Instances of one device: they share its UUID, and only the profiling metric counts for them.
	formatMIG: func(inv *inventory, one load, out emit) {
		labels := join(one, prometheus.Labels{
			"gpu": "0", "UUID": "parent-of-" + inv.nodeName, "device": "parent", "modelName": inv.modelName,
			"Hostname": inv.nodeName, "GPU_I_PROFILE": "1g.16gb", "GPU_I_ID": fmt.Sprint(one.dev.index + 1),
		})
		out("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "Ratio of time the graphics engine is active.", one.percent/100, labels)
		out("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", one.memory/mebibyte, labels)
	},
	// Semantic conventions of OpenTelemetry in the spelling of Prometheus. They name no holder.
	formatOTel: func(inv *inventory, one load, out emit) {
		labels := prometheus.Labels{"hw_id": one.dev.uuid, "hw_name": one.dev.name, "hw_model": inv.modelName}
		out("hw_gpu_utilization_ratio", "Fraction of time spent in a specific task.", one.percent/100, labels)
		out("hw_gpu_memory_usage_bytes", "GPU memory used.", one.memory, labels)
	},
	formatAMD: func(inv *inventory, one load, out emit) {
		labels := join(one, prometheus.Labels{
			"gpu_id": fmt.Sprint(one.dev.index), "serial_number": one.dev.uuid, "card_model": inv.modelName,
			"hostname": inv.nodeName,
		})
		out("gpu_gfx_activity", "Graphics engine usage in percent.", one.percent, labels)
		out("gpu_used_vram", "Used VRAM in MB.", one.memory/mebibyte, labels)
	},
	// Names that nobody else uses: an exporter that a suite cannot know.
	formatNative: func(inv *inventory, one load, out emit) {
		own := prometheus.Labels{
			"node": inv.nodeName, "model": inv.modelName, "uuid": one.dev.uuid, "index": fmt.Sprint(one.dev.index),
		}
		labels := join(one, maps.Clone(own))
		out("simaccel_utilization_percent", "Share of the time that the holder computed, 0 to 100.",
			one.percent, labels)
		out("simaccel_memory_used_bytes", "Memory that the accelerator's holder uses.", one.memory, labels)
		out("simaccel_memory_total_bytes", "Memory of the accelerator.", float64(inv.memory.Value()), own)
	},
}

func formatNames() []string {
	return slices.Sorted(maps.Keys(formats))
}

// join adds the holder's labels. Empty ones and zero: nobody holds it, which differs from a holder that is idle.
func join(one load, labels prometheus.Labels) prometheus.Labels {
	labels["namespace"], labels["pod"], labels["container"] = one.who.namespace, one.who.pod, one.who.container
	return labels
}
