package check

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// hole stands in a word for what can't be told before the build, such as $(uname -m).
const hole = "\x00"

// script is a text of shell commands, as far as it can be understood.
type script struct {
	commands []command
	// reads are the variables that are used and that the script does not set.
	reads []string
}

// command is one simple command.
type command struct {
	words []string
	// assigns are the variables that are set for it, or by it.
	assigns []assign
	// guarded says that it runs only after the architecture was asked for.
	guarded bool
}

type assign struct{ name, value string }

// name is what is run, without its directory.
func (c command) name() string {
	if len(c.words) == 0 {
		return ""
	}
	return c.words[0][strings.LastIndexByte(c.words[0], '/')+1:]
}

// readScript reads shell commands. What is no POSIX or bash syntax, such as
// PowerShell, has no commands.
func readScript(text string, known env) script {
	parsed, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return script{}
	}
	r := &reader{known: known, set: map[string]string{}, read: map[string]bool{}}
	syntax.Walk(parsed, r.guards)
	syntax.Walk(parsed, r.visit)
	for name := range r.read {
		if _, own := r.set[name]; !own {
			r.reads = append(r.reads, name)
		}
	}
	slices.Sort(r.reads)
	return r.script
}

// reader walks a script.
type reader struct {
	script
	known   env
	set     map[string]string
	read    map[string]bool
	guarded [][2]uint
}

// guards finds what depends on a question for the architecture.
func (r *reader) guards(node syntax.Node) bool {
	switch n := node.(type) {
	case *syntax.IfClause:
		if slices.ContainsFunc(n.Cond, func(s *syntax.Stmt) bool { return asks(s) }) {
			r.guard(n)
		}
	case *syntax.CaseClause:
		if asks(n.Word) || slices.ContainsFunc(n.Items, func(i *syntax.CaseItem) bool {
			return slices.ContainsFunc(i.Patterns, func(w *syntax.Word) bool { return asks(w) })
		}) {
			r.guard(n)
		}
	case *syntax.BinaryCmd:
		if (n.Op == syntax.AndStmt || n.Op == syntax.OrStmt) && tests(n.X) && asks(n.X) {
			r.guard(n.Y)
		}
	}
	return true
}

func (r *reader) guard(n syntax.Node) {
	r.guarded = append(r.guarded, [2]uint{n.Pos().Offset(), n.End().Offset()})
}

func (r *reader) isGuarded(n syntax.Node) bool {
	at := n.Pos().Offset()
	return slices.ContainsFunc(r.guarded, func(g [2]uint) bool { return g[0] <= at && at < g[1] })
}

// tests says whether a list of commands has one that decides about the next.
func tests(s *syntax.Stmt) bool {
	switch c := s.Cmd.(type) {
	case *syntax.BinaryCmd:
		return tests(c.X) || tests(c.Y)
	case *syntax.TestClause:
		return true
	case *syntax.CallExpr:
		return len(c.Args) > 0 && slices.Contains([]string{"[", "test", "grep", "case"}, c.Args[0].Lit())
	}
	return false
}

// asks says whether a part of a script asks for the architecture.
func asks(node syntax.Node) bool {
	found := false
	syntax.Walk(node, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.ParamExp:
			found = found || n.Param != nil && aboutArchitecture(n.Param.Value)
		case *syntax.Lit:
			found = found || aboutArchitecture(n.Value)
		case *syntax.SglQuoted:
			found = found || aboutArchitecture(n.Value)
		}
		return !found
	})
	return found
}

func aboutArchitecture(text string) bool {
	text = strings.ToLower(text)
	for _, word := range []string{"arch", "platform", "machine", "uname", "cpu"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return len(architectures(text)) > 0
}

// visit takes the commands in their order, and what the variables hold by then.
func (r *reader) visit(node syntax.Node) bool {
	switch n := node.(type) {
	case *syntax.CallExpr:
		c := command{guarded: r.isGuarded(n), assigns: r.assign(n.Assigns, r.isGuarded(n), len(n.Args) == 0)}
		for _, word := range n.Args {
			c.words = append(c.words, r.expand(word.Parts))
		}
		if len(c.words) > 0 && c.words[0] == "read" {
			for _, name := range c.words[1:] {
				r.set[name] = hole
			}
		}
		r.commands = append(r.commands, c)
	case *syntax.DeclClause:
		r.commands = append(r.commands, command{guarded: r.isGuarded(n), assigns: r.assign(n.Args, r.isGuarded(n), true)})
	case *syntax.Redirect:
		if n.Word != nil {
			r.commands = append(r.commands, command{guarded: r.isGuarded(n), words: []string{">", r.expand(n.Word.Parts)}})
		}
	case *syntax.WordIter:
		r.set[n.Name.Value] = hole
	case *syntax.ParamExp:
		if n.Param != nil {
			r.read[n.Param.Value] = true
		}
	}
	return true
}

// assign takes values, and keeps them if they are there for later commands. What
// depends on the architecture is not known.
func (r *reader) assign(all []*syntax.Assign, guarded, keep bool) []assign {
	var taken []assign
	for _, a := range all {
		if a.Name == nil || a.Naked {
			continue
		}
		value := ""
		if a.Value != nil {
			value = r.expand(a.Value.Parts)
		}
		taken = append(taken, assign{a.Name.Value, value})
		if guarded || a.Append || a.Array != nil {
			value = hole
		}
		if keep {
			r.set[a.Name.Value] = value
		}
	}
	return taken
}

// expand writes a word as it is when the command runs.
func (r *reader) expand(parts []syntax.WordPart) string {
	var b strings.Builder
	for _, part := range parts {
		switch p := part.(type) {
		case *syntax.Lit:
			b.WriteString(strings.ReplaceAll(p.Value, `\`, ""))
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			b.WriteString(r.expand(p.Parts))
		case *syntax.ParamExp:
			b.WriteString(r.value(p))
		default:
			b.WriteString(hole)
		}
	}
	return b.String()
}

func (r *reader) value(p *syntax.ParamExp) string {
	if p.Param == nil || p.Length || p.Excl || p.Slice != nil || p.Repl != nil || p.Index != nil {
		return hole
	}
	value, ok := r.set[p.Param.Value]
	if !ok {
		value, ok = r.known[p.Param.Value]
	}
	switch {
	case p.Exp == nil && ok:
		return value
	case p.Exp != nil && (p.Exp.Op == syntax.DefaultUnset || p.Exp.Op == syntax.DefaultUnsetOrNull):
		if ok && value != "" || p.Exp.Word == nil {
			return value
		}
		return r.expand(p.Exp.Word.Parts)
	}
	return hole
}
