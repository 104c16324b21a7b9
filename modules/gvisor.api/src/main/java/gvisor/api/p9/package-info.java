/**
 * 9P2000.L between the Sentry and a gofer: the codec, and the client the Sentry uses.
 *
 * <p>{@link gvisor.api.p9.MessageWriter} and {@link gvisor.api.p9.MessageReader} put and take fields at a cursor and
 * check every length; {@link gvisor.api.p9.WireAttr} and {@link gvisor.api.p9.WireQid} are flyweights over structures of
 * fixed layout. {@link gvisor.api.p9.P9Client} multiplexes the calls of many threads over one
 * {@link gvisor.api.p9.P9Transport}. Neither side trusts the other: a client that meets a malformed reply gives the
 * connection up, a server answers a malformed request with an error.
 *
 * <p>Names are byte strings: a {@code String} whose every {@code char} is one byte, 0 to 255.
 *
 * <p>Beside the messages of 9P2000.L there are extensions, used when both sides agreed on
 * {@link gvisor.api.p9.P9#VERSION_EXTENDED}; they save round trips, which cost far more than the work they ask for.
 */
package gvisor.api.p9;
