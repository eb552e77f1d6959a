package argument

// Error is a mistake in how the command was called.
type Error struct{ error }

func (e Error) Unwrap() error { return e.error }

// Wrong marks err as a mistake in how the command was called.
func Wrong(err error) error { return Error{err} }
