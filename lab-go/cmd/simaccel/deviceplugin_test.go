package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	dp "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

const patience = 10 * time.Second

// fakeKubelet does what a kubelet does with device plugins: at its start it deletes every socket in the folder,
// makes its own and takes registrations.
type fakeKubelet struct {
	dp.UnimplementedRegistrationServer
	dir        string
	registered chan *dp.RegisterRequest
	server     *grpc.Server
}

// Register refuses a plugin that it cannot reach, as a kubelet does: a plugin that found the socket before it
// noticed that its own was swept away has to come again.
func (k *fakeKubelet) Register(_ context.Context, request *dp.RegisterRequest) (*dp.Empty, error) {
	if !exists(filepath.Join(k.dir, request.Endpoint)) {
		return nil, status.Error(codes.Unavailable, "there is no such socket")
	}
	k.registered <- request
	return &dp.Empty{}, nil
}

func startFakeKubelet(t *testing.T, root string) *fakeKubelet {
	t.Helper()
	kubelet := &fakeKubelet{
		dir:        filepath.Join(root, "device-plugins"),
		registered: make(chan *dp.RegisterRequest, 10),
		server:     grpc.NewServer(),
	}
	if err := os.MkdirAll(kubelet.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	old, err := filepath.Glob(filepath.Join(kubelet.dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("unix", filepath.Join(kubelet.dir, "kubelet.sock"))
	if err != nil {
		t.Fatal(err)
	}
	dp.RegisterRegistrationServer(kubelet.server, kubelet)
	go kubelet.server.Serve(listener)
	t.Cleanup(kubelet.server.Stop)
	return kubelet
}

// plugin waits for a registration and connects back, as a kubelet does.
func (k *fakeKubelet) plugin(t *testing.T) dp.DevicePluginClient {
	t.Helper()
	select {
	case request := <-k.registered:
		if request.Version != "v1beta1" || request.ResourceName != "sim.aiconform.dev/accelerator" {
			t.Errorf("registration %v", request)
		}
		connection, err := grpc.NewClient("unix://"+filepath.Join(k.dir, request.Endpoint),
			grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		return dp.NewDevicePluginClient(connection)
	case <-time.After(patience):
		t.Fatal("the plugin did not register")
		return nil
	}
}

// startPlugin runs the plugin; the test's end, or the returned function, stops it.
func startPlugin(t *testing.T, inv *inventory) func() {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runDevicePlugin(ctx, inv) }()
	stopped := false
	stop := func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the plugin ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("the plugin did not stop")
		}
	}
	t.Cleanup(stop)
	return stop
}

func listDevices(t *testing.T, client dp.DevicePluginClient) grpc.ServerStreamingClient[dp.ListAndWatchResponse] {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	stream, err := client.ListAndWatch(ctx, &dp.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func healthOf(t *testing.T, stream grpc.ServerStreamingClient[dp.ListAndWatchResponse]) map[string]string {
	t.Helper()
	list, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	health := map[string]string{}
	for _, dev := range list.Devices {
		health[dev.ID] = dev.Health
	}
	return health
}

func allocate(t *testing.T, client dp.DevicePluginClient, ids ...string) *dp.ContainerAllocateResponse {
	t.Helper()
	answer, err := client.Allocate(context.Background(), &dp.AllocateRequest{
		ContainerRequests: []*dp.ContainerAllocateRequest{{DevicesIds: ids}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer.ContainerResponses[0]
}

func TestPluginGrantsWhatWasAllocated(t *testing.T) {
	inv := testInventory(t, "--mode", modeDevicePlugin)
	kubelet := startFakeKubelet(t, inv.kubeletRoot)
	stop := startPlugin(t, inv)
	client := kubelet.plugin(t)
	health := healthOf(t, listDevices(t, client))
	if len(health) != 2 || health[inv.devices[0].uuid] != "Healthy" || health[inv.devices[1].uuid] != "Healthy" {
		t.Errorf("devices %v", health)
	}
	got := allocate(t, client, inv.devices[1].uuid)
	if len(got.Devices) != 1 || got.Devices[0].ContainerPath != "/dev/simaccel1" ||
		got.Devices[0].HostPath != filepath.Join(inv.deviceDir, "simaccel1") || got.Devices[0].Permissions != "rw" {
		t.Errorf("devices %v", got.Devices)
	}
	if got.Envs[envVisible] != inv.devices[1].uuid || len(got.Mounts) != 1 || !got.Mounts[0].ReadOnly {
		t.Errorf("environment %v, mounts %v", got.Envs, got.Mounts)
	}
	if _, err := client.Allocate(context.Background(), &dp.AllocateRequest{
		ContainerRequests: []*dp.ContainerAllocateRequest{{DevicesIds: []string{"SIM-unknown"}}},
	}); err == nil {
		t.Error("an unknown device was allocated")
	}
	stop()
	if left, _ := filepath.Glob(filepath.Join(kubelet.dir, "*_accelerator.sock")); len(left) != 0 {
		t.Errorf("sockets left: %v", left)
	}
}

func TestPluginRegistersWithALateAndARestartedKubelet(t *testing.T) {
	inv := testInventory(t, "--mode", modeDevicePlugin)
	watched := watchDir(t, filepath.Join(inv.kubeletRoot, "device-plugins"))
	startPlugin(t, inv)
	watched() // the plugin is there first
	for round := range 3 {
		kubelet := startFakeKubelet(t, inv.kubeletRoot)
		if health := healthOf(t, listDevices(t, kubelet.plugin(t))); len(health) != 2 {
			t.Errorf("round %d: devices %v", round, health)
		}
		kubelet.server.Stop()
	}
}

// watchDir returns a function that waits until a first file appears in dir.
func watchDir(t *testing.T, dir string) func() {
	t.Helper()
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { watcher.Close() })
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := watcher.Add(dir); err != nil {
		t.Fatal(err)
	}
	return func() {
		select {
		case <-watcher.Events:
		case <-time.After(patience):
			t.Fatal("nothing appeared in " + dir)
		}
	}
}

func TestNeverReleaseTurnsADeviceUnhealthy(t *testing.T) {
	inv := testInventory(t, "--mode", modeDevicePlugin, "--fault", neverRelease)
	kubelet := startFakeKubelet(t, inv.kubeletRoot)
	startPlugin(t, inv)
	client := kubelet.plugin(t)
	stream := listDevices(t, client)
	healthOf(t, stream)
	allocate(t, client, inv.devices[0].uuid)
	health := healthOf(t, stream)
	if health[inv.devices[0].uuid] != "Unhealthy" || health[inv.devices[1].uuid] != "Healthy" {
		t.Errorf("devices %v", health)
	}
}

func TestSecondAllocationIsBrokenWithItsFault(t *testing.T) {
	inv := testInventory(t, "--mode", modeDevicePlugin, "--fault", brokenAfterReuse)
	kubelet := startFakeKubelet(t, inv.kubeletRoot)
	startPlugin(t, inv)
	client := kubelet.plugin(t)
	if got := allocate(t, client, inv.devices[0].uuid); len(got.Devices) != 1 {
		t.Errorf("first allocation: %v", got.Devices)
	}
	if got := allocate(t, client, inv.devices[0].uuid); len(got.Devices) != 0 {
		t.Errorf("second allocation: %v", got.Devices)
	}
}
