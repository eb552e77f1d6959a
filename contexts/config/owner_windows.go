package config

// owned finds nothing: on Windows the file is in the user's profile, which
// Windows itself keeps from others.
func owned(string) error { return nil }
