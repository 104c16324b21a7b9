/**
 * Files without a name: eventfd, epoll, inotify.
 *
 * <p>Locks: an epoll instance's interest lock ranks with the locks of inodes, an inner instance's below that of the one
 * which watches it; its ready lock and inotify's queue lock are leaves that notification may take.
 */
package gvisor.sentry.fs.anon;
