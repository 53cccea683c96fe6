package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// readWork reads what the threads of each container did, by the container's id. proc is where the processes of this
// PID namespace are seen. A process that ends meanwhile is left out.
func readWork(proc string, ids []string) (map[string]work, error) {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil, fmt.Errorf("cannot look for processes of containers: %w", err)
	}
	found := map[string]work{}
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		// The path of a container's cgroup contains its id, in every version and with every driver.
		groups, err := os.ReadFile(filepath.Join(proc, entry.Name(), "cgroup"))
		if err != nil {
			continue
		}
		for _, id := range ids {
			if id != "" && strings.Contains(string(groups), id) {
				if found[id] == nil {
					found[id] = work{}
				}
				addThreads(found[id], filepath.Join(proc, entry.Name(), "task"))
				break
			}
		}
	}
	return found, nil
}

func addThreads(into work, tasks string) {
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return
	}
	for _, thread := range threads {
		// "RAN WAITED SLICES", the first two in nanoseconds (Documentation/scheduler/sched-stats.rst of the kernel).
		text, err := os.ReadFile(filepath.Join(tasks, thread.Name(), "schedstat"))
		fields := strings.Fields(string(text))
		if err != nil || len(fields) < 2 {
			continue
		}
		ran, badRan := strconv.ParseInt(fields[0], 10, 64)
		waited, badWaited := strconv.ParseInt(fields[1], 10, 64)
		if badRan == nil && badWaited == nil {
			into[thread.Name()] = time.Duration(ran + waited)
		}
	}
}
