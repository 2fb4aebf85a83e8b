package redisx

import "syscall"

// apart keeps an interrupt from the terminal away from the server, which is needed until faro has
// drained, and ends the server when faro is killed.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
