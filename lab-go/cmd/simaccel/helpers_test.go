package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// testInventory is an inventory of two devices below a temporary folder, without device nodes.
func testInventory(t *testing.T, args ...string) *inventory {
	t.Helper()
	// Unix socket paths are short (108 bytes), t.TempDir of a subtest may be long.
	dir, err := os.MkdirTemp("", "simaccel")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	opts, err := parseOptions(append([]string{
		"--mode", modeDRA, "--node-name", "node-a", "--devices", "2",
		"--kubelet-root", dir, "--cdi-dir", filepath.Join(dir, "cdi"), "--device-dir", filepath.Join(dir, "dev"),
	}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return newInventory(opts)
}

// paths are the container paths of the nodes.
func paths(nodes []hostNode) []string {
	result := []string{}
	for _, node := range nodes {
		result = append(result, node.container)
	}
	return result
}
