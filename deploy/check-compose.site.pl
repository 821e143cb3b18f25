#!/usr/bin/perl
# A web site of articles, each with a text of its own, for deploy/check-compose: perl check-compose.site.pl PORT PAGES
# Page N links to 3N+1, 3N+2, 3N+3, its neighbour and the first page, so that all are reached. Uses nothing but what every Debian has.
use strict;
use warnings;
use IO::Socket::INET;

my ($port, $pages) = @ARGV;
my $pause = 0.2; # seconds an answer takes

my @subject = qw(miller river baker council railway orchard library harbour engineer painter teacher garden bridge museum factory);
my @verb = qw(opened rebuilt measured sold visited described lost repaired painted counted);
my @object = qw(bridge mill archive market tower road school canal station forest theatre field workshop roof ferry);
my @end = ("before the winter came", "after a long debate", "for the second time", "without asking anybody", "to everyone's surprise",
    "although the money was short", "on a Tuesday morning", "with the help of three neighbours");

sub sentence {
    my ($n, $k) = @_;
    my $x = $n * 7919 + $k * 104729;
    return sprintf('In %d the %s %s the %s near mile %d %s.', 1700 + $x % 300, $subject[$x % @subject], $verb[($x >> 2) % @verb],
        $object[($x >> 4) % @object], $n, $end[($x >> 3) % @end]);
}

sub page {
    my ($n) = @_;
    my $html = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Chronicle of mile $n</title></head><body>\n";
    $html .= "<article><h1>Chronicle of mile $n</h1>\n";
    for my $p (0 .. 3) { $html .= '<p>' . join(' ', map { sentence($n, 5 * $p + $_) } 0 .. 4) . "</p>\n"; }
    $html .= "</article><nav><ul>\n";
    for my $to (grep { $_ < $pages } 3 * $n + 1, 3 * $n + 2, 3 * $n + 3, $n + 1, 0) { $html .= "<li><a href=\"/mile/$to\">Mile $to</a></li>\n"; }
    return $html . "</ul></nav></body></html>\n";
}

sub answer {
    my ($client) = @_;
    my $request = <$client> // return;
    while (defined(my $line = <$client>)) { last if $line =~ /^\r?\n$/; }
    my ($status, $body) = ('404 Not Found', "not here\n");
    if ($request =~ m{^GET /(?:mile/(\d+))? HTTP} && ($1 // 0) < $pages) {
        ($status, $body) = ('200 OK', page($1 // 0));
        select(undef, undef, undef, $pause);
    }
    print $client "HTTP/1.1 $status\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: ", length $body,
        "\r\nConnection: close\r\n\r\n", $body;
}

$SIG{CHLD} = 'IGNORE';
my $server = IO::Socket::INET->new(LocalPort => $port, Listen => 64, ReuseAddr => 1) or die "port $port: $@\n";
while (1) {
    my $client = $server->accept or next;
    my $child = fork // next;
    if ($child) { close $client; next; }
    alarm 10; # a client that says nothing does not keep a process
    answer($client);
    exit 0;
}
