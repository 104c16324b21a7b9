/** Containers as the command line sees them: identity, recorded state, life cycle, hooks. */
package gvisor.runsc.container;
