# Perl's Redis and Redis::Fast, which have one interface: client.pl MODULE PORT USER PASSWORD.
# Scripts by hand, as EVALSHA after SCRIPT LOAD or EVAL.
use strict;
use warnings;
use Digest::SHA qw(sha1_hex);

my ($module, $port, $user, $password) = @ARGV;
eval "require $module; 1" or die $@;
$| = 1;

sub shown {
    my ($value) = @_;
    return 'undef' unless defined $value;
    return '[' . join(', ', map { shown($_) } @$value) . ']' if ref $value eq 'ARRAY';
    return "$value";
}

sub tell_ { print join(' ', map { shown($_) } @_), "\n" }

sub lose {
    tell_('@lose');
    my $line = <STDIN>;
}

sub attempt {
    my ($what, $action) = @_;
    my @got = eval { $action->() };
    my $error = $@;
    # Where in the library it was found is not the server's word.
    $error =~ s/,? at \S+ line \d+.*//s;
    tell_($what, $error ? "error $error" : @got);
}

sub open_ { return $module->new(server => "127.0.0.1:$port", encoding => undef, @_) }

tell_('== connect');
my $r = open_(name => 'perl');
tell_($r->ping, $r->client_getname);
my $three = open_();
tell_($three->auth($user, $password), $three->select(3), $three->acl('WHOAMI'));
tell_($three->set('k', 'in three'), $r->exists('k'));
attempt('wrong password:', sub { open_()->auth($user, 'no') });

tell_('== values');
my $bytes = join '', map { chr } 0 .. 255;
tell_($r->set(bytes => $bytes), $r->get('bytes') eq $bytes);
my $large = '0123456789abcdef' x 100_000;
tell_($r->set(large => $large), $r->get('large') eq $large);
tell_($r->hset('h', 'a', 1, 'b', 2), [$r->hgetall('h')], [$r->mget('none', 'k')]);
tell_($r->zadd('z', 1.5, 'x', 2, 'y'), [$r->zrange('z', 0, -1, 'WITHSCORES')]);
$r->set("scan:$_", $_) for 0 .. 29;
my ($cursor, %found) = (0);
do {
    ($cursor, my $keys) = $r->scan($cursor, MATCH => 'scan:*', COUNT => 7);
    $found{$_} = 1 for @$keys;
} while $cursor;
tell_(scalar keys %found);
attempt('wrong type:', sub { $r->lpush('h', 1) });
attempt('unknown:', sub { $r->nosuch('x') });

tell_('== pipelines');
my @answers;
my $keep = sub { push @answers, defined $_[1] ? "error $_[1]" : $_[0] };
$r->incr('n', $keep) for 1 .. 200;
$r->lpush('h', 1, $keep);
$r->get('n', $keep);
$r->wait_all_responses;
tell_([@answers[199 .. 201]]);

tell_('== MULTI');
$r->multi;
$r->set('t', 1);
$r->incr('t');
tell_([$r->exec]);
$r->multi;
$r->set('t', 'x');
$r->incr('t');
attempt('in it:', sub { [$r->exec] });
$r->watch('watched');
$three->select(0);
$three->set('watched', 10);
$r->multi;
$r->set('watched', 1);
tell_($r->exec, $r->get('watched'));

tell_('== scripts');
my $body = "return redis.call('INCRBY', KEYS[1], ARGV[1])";
my $show = "return {KEYS[1], ARGV[1], 7, {redis.status_reply('fine')}}";
tell_($r->eval($body, 1, 's', 5), $r->eval($show, 1, 's', 'v'));
my $add = $r->script_load("return {ARGV[1], redis.call('INCR', KEYS[1])}");
tell_($add, $r->script_exists($add, '0' x 40));
for my $round (0 .. 3) {
    lose();
    tell_($r->evalsha(sha1_hex($body), 1, 's', 5), $r->evalsha($add, 1, 'by sha', 'a'));
    tell_($r->evalsha(sha1_hex($show), 1, 's', 'v'));
    attempt('error:', sub { $r->eval("return redis.call('LPUSH', KEYS[1], 'x')", 1, 's') });
    @answers = ();
    $r->evalsha($add, 1, 'by sha', 'b', $keep);
    $r->get('by sha', $keep);
    $r->evalsha(sha1_hex($body), 1, 's', 1, $keep);
    $r->wait_all_responses;
    $r->multi;
    $r->set('s2', $round);
    $r->evalsha($add, 1, 's2', 'c');
    tell_(\@answers, [$r->exec]);
}
attempt('never given:', sub { $r->evalsha('f' x 40, 0) });
attempt('compile:', sub { $r->eval('return (', 0) });
tell_($r->eval('return ARGV', 0, 'x', 'y'));

tell_('== pub/sub');
my $sub = open_();
my @seen;
my $take = sub { push @seen, join ' ', map { shown($_) } @_ };
$sub->subscribe('news', $take);
$sub->psubscribe('n*', $take);
tell_($r->publish('news', 'hello'), [$r->pubsub('NUMSUB', 'news')]);
for (1 .. 10) {
    last if @seen >= 2;
    $sub->wait_for_messages(1);
}
tell_([sort @seen]);
$sub->unsubscribe('news', $take);
$sub->punsubscribe('n*', $take);
tell_($sub->get('t'), $r->publish('news', 'nobody'));

tell_('== blocking');
tell_([$r->blpop('empty', 1)], [$r->bzpopmin('empty', 0.05)]);
$r->rpush('queue', 'job');
tell_([$r->blpop('q0', 'queue', 5)], $r->rpush('q1', 'v'), $r->brpoplpush('q1', 'q2', 1));
tell_('end');
