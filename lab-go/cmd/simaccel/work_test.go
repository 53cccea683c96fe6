package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWorkOfTheThreadsOfAContainer(t *testing.T) {
	proc := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(proc, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("7/cgroup", "4:cpu:/lab/kubepods/pod1/abc\n")
	write("7/task/7/schedstat", "1000 500 3\n")
	write("7/task/8/schedstat", "10 0 1\n")
	write("9/cgroup", "0::/kubepods.slice/cri-containerd-abc.scope\n")
	write("9/task/9/schedstat", "1 1 1\n")
	write("11/cgroup", "0::/system.slice\n")
	write("11/task/11/schedstat", "5 5 5\n")
	write("12/cgroup", "0::/kubepods/def\n")
	write("12/task/12/schedstat", "torn")
	write("self", "no process")
	got, err := readWork(proc, []string{"abc", "def"})
	if err != nil {
		t.Fatal(err)
	}
	want := work{"7": 1500, "8": 10, "9": 2}
	if len(got["abc"]) != len(want) || len(got["def"]) != 0 {
		t.Errorf("got %v", got)
	}
	for thread, since := range want {
		if got["abc"][thread] != since {
			t.Errorf("thread %s: %v, want %v", thread, got["abc"][thread], since)
		}
	}
	if _, err := readWork(filepath.Join(proc, "absent"), nil); err == nil {
		t.Error("no error without processes")
	}
}

func TestUtilizationOfSeveralThreads(t *testing.T) {
	start := time.Unix(1000, 0)
	before := usage{at: start, work: work{"1": 5 * time.Second, "2": time.Second, "3": 9 * time.Second}}
	for _, test := range []struct {
		name string
		now  usage
		want float64
	}{
		{"one worked for half of the time", usage{at: start.Add(10 * time.Second), work: work{"1": 10 * time.Second}}, 50},
		{"a new one", usage{at: start.Add(10 * time.Second), work: work{"4": 2 * time.Second}}, 20},
		{"a number that was given again", usage{at: start.Add(10 * time.Second), work: work{"3": time.Second}}, 10},
		{"more than one processor", usage{at: start.Add(time.Second), work: work{"1": 9 * time.Second}}, 100},
		{"no time between", usage{at: start, work: work{"1": 9 * time.Second}}, 0},
	} {
		if got := utilizationPercent(before, test.now); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
