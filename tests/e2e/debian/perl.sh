perl -e '
use strict; use warnings; use IO::Socket::INET; use POSIX qw(:sys_wait_h);
my %h = map { $_ => length } qw(a bb ccc); print join(",", map {"$_=$h{$_}"} sort keys %h), "\n";
my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die "listen: $!";
my $pid = fork;
if (!$pid) { my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $s->sockport) or die; print $c "from child\n"; close $c; exit 4 }
my $c = $s->accept; print scalar <$c>; waitpid($pid, 0); print $? >> 8, "\n";
local $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; select(undef, undef, undef, 5); }; print $@;
open(my $p, "-|", "sort", "-r", "/etc/shells") or die; my @l = <$p>; close $p; print scalar(@l) > 0 ? "lines\n" : "none\n";
print join(" ", sort { $a <=> $b } (3, 10, 2)), "\n"; printf "%s\n", `echo backtick`;
'
