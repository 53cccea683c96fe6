package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"k8s.io/klog/v2"
	dp "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// registerTime bounds one registration, so that a socket left by a dead kubelet blocks nothing.
const registerTime = 10 * time.Second

// devicePlugin hands out devices by the classic device plugin API, v1beta1.
type devicePlugin struct {
	dp.UnimplementedDevicePluginServer
	inv *inventory

	mutex     sync.Mutex
	allocated map[string]bool // uuids that were allocated at least once since this process started
	unhealthy map[string]bool // uuids
	changed   chan struct{}   // closed, and replaced, when health changes
}

func newDevicePlugin(inv *inventory) *devicePlugin {
	return &devicePlugin{
		inv: inv, allocated: map[string]bool{}, unhealthy: map[string]bool{}, changed: make(chan struct{}),
	}
}

// runDevicePlugin serves and registers until ctx ends, and again whenever the kubelet starts anew: it then
// deletes every socket in its folder and creates its own.
func runDevicePlugin(ctx context.Context, inv *inventory) (err error) {
	dir := filepath.Join(inv.kubeletRoot, "device-plugins")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("cannot make the kubelet's device plugin folder: %w", err)
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("cannot watch %s (is sysctl fs.inotify.max_user_instances too low?): %w", dir, err)
	}
	defer watcher.Close()
	if err := watcher.Add(dir); err != nil {
		return fmt.Errorf("cannot watch %s: %w", dir, err)
	}
	server := &pluginServer{
		plugin:  newDevicePlugin(inv),
		socket:  filepath.Join(dir, strings.ReplaceAll(inv.resourceName, "/", "_")+".sock"),
		kubelet: filepath.Join(dir, filepath.Base(dp.KubeletSocket)),
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	if err := server.start(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-watcher.Errors:
			return fmt.Errorf("the watch of %s broke: %w", dir, err)
		case event := <-watcher.Events:
			if event.Name != server.kubelet || !event.Has(fsnotify.Create) {
				continue
			}
			if err := server.start(ctx); err != nil {
				return err
			}
		}
	}
}

// pluginServer is the plugin's socket.
type pluginServer struct {
	plugin  *devicePlugin
	socket  string
	kubelet string
	server  *grpc.Server
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// start serves and, if a kubelet is there, registers with it. A kubelet that does not answer is no error: its
// next start will be seen.
func (s *pluginServer) start(ctx context.Context) error {
	// A socket that is still there was not swept by a new kubelet: ending it would end somebody's connection.
	if s.server == nil || !exists(s.socket) {
		if err := s.serve(); err != nil {
			return err
		}
	}
	if !exists(s.kubelet) {
		klog.InfoS("Waiting for the kubelet", "socket", s.kubelet)
		return nil
	}
	if err := s.register(ctx); err != nil {
		klog.ErrorS(err, "Not registered: waiting for the kubelet to start")
		return nil
	}
	klog.InfoS("Registered", "mode", modeDevicePlugin, "resource", s.plugin.inv.resourceName,
		"devices", len(s.plugin.inv.devices))
	return nil
}

// serve makes a fresh socket and answers on it.
func (s *pluginServer) serve() error {
	if err := s.stop(); err != nil {
		return err
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.socket, Net: "unix"})
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", s.socket, err)
	}
	// A server may close its listener late, when its successor's socket already has the name.
	listener.SetUnlinkOnClose(false)
	s.server = grpc.NewServer()
	dp.RegisterDevicePluginServer(s.server, s.plugin)
	go func(server *grpc.Server) {
		if err := server.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			klog.ErrorS(err, "Device plugin socket failed")
		}
	}(s.server)
	return nil
}

// stop ends the answers, if any, and removes the socket.
func (s *pluginServer) stop() error {
	if s.server != nil {
		s.server.Stop()
		s.server = nil
	}
	if err := os.Remove(s.socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the device plugin socket: %w", err)
	}
	return nil
}

func (s *pluginServer) register(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, registerTime)
	defer cancel()
	connection, err := grpc.NewClient("unix://"+s.kubelet,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			// The socket's file is there a moment before the kubelet listens.
			Backoff: backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 2, MaxDelay: time.Second},
		}))
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = dp.NewRegistrationClient(connection).Register(ctx, &dp.RegisterRequest{
		Version:      dp.Version,
		Endpoint:     filepath.Base(s.socket),
		ResourceName: s.plugin.inv.resourceName,
		Options:      &dp.DevicePluginOptions{},
	}, grpc.WaitForReady(true))
	return err
}

// GetDevicePluginOptions asks for nothing special.
func (p *devicePlugin) GetDevicePluginOptions(context.Context, *dp.Empty) (*dp.DevicePluginOptions, error) {
	return &dp.DevicePluginOptions{}, nil
}

// ListAndWatch sends all devices, and again whenever the health of one changes.
func (p *devicePlugin) ListAndWatch(_ *dp.Empty, stream grpc.ServerStreamingServer[dp.ListAndWatchResponse]) error {
	for {
		devices, changed := p.state()
		if err := stream.Send(&dp.ListAndWatchResponse{Devices: devices}); err != nil {
			return err
		}
		select {
		case <-stream.Context().Done():
			return nil
		case <-changed:
		}
	}
}

// state is the list of devices, and a channel that is closed when it is outdated.
func (p *devicePlugin) state() ([]*dp.Device, <-chan struct{}) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var devices []*dp.Device
	for _, dev := range p.inv.devices {
		health := dp.Healthy
		if p.unhealthy[dev.uuid] {
			health = dp.Unhealthy
		}
		devices = append(devices, &dp.Device{ID: dev.uuid, Health: health})
	}
	return devices, p.changed
}

// Allocate answers with what each container gets.
func (p *devicePlugin) Allocate(_ context.Context, request *dp.AllocateRequest) (*dp.AllocateResponse, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	answer := &dp.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		var devices []device
		for _, id := range container.DevicesIds {
			dev, found := p.inv.byUUID(id)
			if !found {
				return nil, status.Errorf(codes.NotFound, "there is no device %s here", id)
			}
			devices = append(devices, dev)
		}
		// This API does not tell of a release; but what is allocated again must have been released.
		granted := p.inv.grantOf(devices, func(dev device) bool { return p.allocated[dev.uuid] })
		answer.ContainerResponses = append(answer.ContainerResponses, p.containerResponse(granted))
		klog.InfoS("Allocated", "devices", container.DevicesIds)
		p.markAllocated(devices)
	}
	return answer, nil
}

func (p *devicePlugin) markAllocated(devices []device) {
	for _, dev := range devices {
		p.allocated[dev.uuid] = true
		if p.inv.faults.has(neverRelease) {
			p.unhealthy[dev.uuid] = true
		}
	}
	if p.inv.faults.has(neverRelease) {
		close(p.changed)
		p.changed = make(chan struct{})
	}
}

func (p *devicePlugin) containerResponse(granted grant) *dp.ContainerAllocateResponse {
	response := &dp.ContainerAllocateResponse{Envs: granted.env}
	for _, node := range granted.nodes {
		response.Devices = append(response.Devices, &dp.DeviceSpec{
			ContainerPath: node.container, HostPath: node.host, Permissions: "rw",
		})
	}
	for _, uuid := range granted.uuids {
		response.Mounts = append(response.Mounts, &dp.Mount{
			ContainerPath: identityMount + "/" + uuid, HostPath: p.inv.identityFile(uuid), ReadOnly: true,
		})
	}
	return response
}
