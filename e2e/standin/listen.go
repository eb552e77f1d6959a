package standin

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// Server is a stand-in that listens.
type Server struct {
	// Host is its endpoint, for a Docker context.
	Host string

	server *http.Server
	conns  *conns
}

// Listen has the engine answer at an address: "unix" and a path, or "tcp" and host:port.
func (e *Engine) Listen(ctx context.Context, network, address string) (*Server, error) {
	return Listen(ctx, e, network, address)
}

// Listen has anything that answers as an engine do so at an address.
func Listen(ctx context.Context, engine http.Handler, network, address string) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Host:   network + "://" + listener.Addr().String(),
		conns:  &conns{Listener: listener},
		server: &http.Server{Handler: engine, ErrorLog: log.New(io.Discard, "", 0)},
	}
	go func() { _ = s.server.Serve(s.conns) }()
	return s, nil
}

// Close ends the stand-in as a power cut does: connections break, new ones are refused.
func (s *Server) Close() error {
	err := s.server.Close()
	s.conns.cut()
	return err
}

// conns is a listener that remembers its connections: an http.Server forgets those that were taken over.
type conns struct {
	net.Listener

	mu  sync.Mutex
	all []net.Conn
}

// Accept implements net.Listener.
func (c *conns) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.all = append(c.all, conn)
	}
	return conn, err
}

func (c *conns) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.all {
		_ = conn.Close()
	}
}

// hijack answers that the protocol changes, and takes the connection over. The caller closes it.
func hijack(w http.ResponseWriter, protocol string) (net.Conn, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(conn, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n")
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &hijacked{Conn: conn, reader: buffered.Reader, closed: make(chan struct{})}, nil
}

// hijacked is a connection that may have been read ahead, and that tells when it is closed.
type hijacked struct {
	net.Conn

	reader io.Reader
	once   sync.Once
	closed chan struct{}
}

func (c *hijacked) Read(p []byte) (int, error) { return c.reader.Read(p) }

func (c *hijacked) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// only is a listener for one connection, which is there already.
type only struct {
	conn  *hijacked
	given bool
}

// Accept gives the connection, and then waits for its end.
func (l *only) Accept() (net.Conn, error) {
	if !l.given {
		l.given = true
		return l.conn, nil
	}
	<-l.conn.closed
	return nil, io.EOF
}

func (l *only) Close() error   { return l.conn.Close() }
func (l *only) Addr() net.Addr { return l.conn.LocalAddr() }
