/** JSON through Jackson's streaming parser and tree model. */
package gvisor.runsc.json;
