// Package argument reads what users write on command lines: names, platforms,
// values for one platform, and whether they are right.
//
// It asks no engine and no registry. What is wrong is an [Error].
package argument
