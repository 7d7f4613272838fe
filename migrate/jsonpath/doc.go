// Package jsonpath owns what the output formats jsonpath and custom-columns print of the JSON form of a result. It takes
// an expression and a JSON document and returns what kubectl would print, as text that cannot act on a terminal. It never
// changes a result. Where kubectl's answer depends on chance (".*" and ".." of an object) it goes by the sorted names, and
// an empty list among others does not end it, as it does kubectl.
package jsonpath
