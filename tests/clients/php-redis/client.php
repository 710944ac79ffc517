<?php
// php-redis (the extension): scripts by hand, as EVALSHA after SCRIPT LOAD or EVAL.
[, $port, $user, $password] = $argv;

function say(...$words)
{
    echo implode(' ', array_map(fn($w) => is_string($w) ? $w : json_encode($w), $words)), "\n";
}

function lose()
{
    say('@lose');
    fgets(STDIN);
}

function open($port)
{
    $r = new Redis();
    $r->connect('127.0.0.1', (int)$port, 5);
    return $r;
}

// What came, and the server's error if there was one.
function say_error($r, $what, $got)
{
    say($what, $got, $r->getLastError());
    $r->clearLastError();
}

// The extension blocks: somebody else has to speak meanwhile.
function meanwhile($port, $code)
{
    $open = '$r = new Redis(); $r->connect("127.0.0.1", (int)$argv[1]); ';
    return proc_open([PHP_BINARY, '-r', $open . $code, $port], [], $pipes);
}

say('== connect');
$r = open($port);
say($r->ping(), $r->client('setname', 'php'), $r->client('getname'));
$three = open($port);
say($three->auth([$user, $password]), $three->select(3), $three->rawCommand('ACL', 'WHOAMI'));
say($three->set('k', 'in three'), $r->exists('k'));
try {
    say('wrong password:', open($port)->auth([$user, 'no']));
} catch (RedisException $error) {
    say('wrong password:', $error->getMessage());
}
$kept = new Redis();
say($kept->pconnect('127.0.0.1', (int)$port), $kept->ping());

say('== values');
$bytes = implode('', array_map('chr', range(0, 255)));
say($r->set('bytes', $bytes), $r->get('bytes') === $bytes);
$large = str_repeat('0123456789abcdef', 100000);
say($r->set('large', $large), $r->get('large') === $large);
say($r->hMSet('h', ['a' => 1, 'b' => 2]), $r->hGetAll('h'), $r->mget(['none', 'k']));
say($r->zAdd('z', 1.5, 'x', 2, 'y'), $r->zRange('z', 0, -1, true));
for ($i = 0; $i < 30; ++$i) {
    $r->set("scan:$i", $i);
}
$r->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
$found = [];
for ($at = null; $keys = $r->scan($at, 'scan:*', 7);) {
    $found = array_unique([...$found, ...$keys]);
}
say(count($found));
say_error($r, 'wrong type:', $r->lPush('h', 1));
say_error($r, 'unknown:', $r->rawCommand('NOSUCH', 'x'));

say('== pipelines');
$pipe = $r->multi(Redis::PIPELINE);
for ($i = 0; $i < 200; ++$i) {
    $pipe->incr('n');
}
say(array_slice($pipe->lPush('h', 1)->get('n')->exec(), 199));

say('== MULTI');
say($r->multi()->set('t', 1)->incr('t')->get('t')->exec());
say($r->multi()->set('t', 'x')->incr('t')->set('t2', 1)->exec(), $r->get('t2'));
$r->watch('watched');
$three->select(0);
$three->set('watched', 10);
say($r->multi()->set('watched', 1)->exec(), $r->get('watched'));
say($r->multi()->set('t', 'gone')->discard(), $r->get('t'));

say('== scripts');
$body = "return redis.call('INCRBY', KEYS[1], ARGV[1])";
$show = "return {KEYS[1], ARGV[1], 7, {redis.status_reply('fine')}}";
say($r->eval($body, ['s', 5], 1), $r->eval($show, ['s', 'v'], 1));
$add = $r->script('load', "return {ARGV[1], redis.call('INCR', KEYS[1])}");
say($add, $r->script('exists', $add, str_repeat('0', 40)));
$r->clearLastError();
for ($round = 0; $round < 4; ++$round) {
    lose();
    say($r->evalSha(sha1($body), ['s', 5], 1), $r->evalSha($add, ['by sha', 'a'], 1));
    say($r->evalSha(sha1($show), ['s', 'v'], 1));
    say_error($r, 'error:', $r->eval("return redis.call('LPUSH', KEYS[1], 'x')", ['s'], 1));
    say($r->multi(Redis::PIPELINE)->evalSha($add, ['by sha', 'b'], 1)->get('by sha')
        ->evalSha(sha1($body), ['s', 1], 1)->exec());
    say($r->multi()->set('s2', $round)->evalSha($add, ['s2', 'c'], 1)->exec());
}
say_error($r, 'never given:', $r->evalSha(str_repeat('f', 40)));
say_error($r, 'compile:', $r->eval('return ('));
say($r->eval('return ARGV', ['x', 'y']));

say('== pub/sub');
$teller = meanwhile($port, <<<'P'
    for ($i = 0; $i < 500 && $r->pubsub('numsub', ['news'])['news'] < 1; ++$i) usleep(10000);
    $r->publish('news', 'hello');
    P);
$sub = open($port);
// It goes on until the connection ends, whatever the callback does.
$sub->setOption(Redis::OPT_READ_TIMEOUT, 1);
try {
    $sub->subscribe(['news'], fn($sub, $channel, $message) => say($channel, $message));
} catch (RedisException $error) {
    say('subscribed until', preg_replace('/ on connection.*/', '', $error->getMessage()));
}
proc_close($teller);
say(open($port)->get('t'), $r->publish('news', 'nobody'));

say('== blocking');
say($r->blPop(['empty'], 1), $r->bzPopMin(['empty'], 1));
$teller = meanwhile($port, 'usleep(200000); $r->rPush("queue", "job");');
say($r->blPop(['q0', 'queue'], 5));
proc_close($teller);
say($r->rPush('q1', 'v'), $r->brPopLPush('q1', 'q2', 1), $r->xRead(['stream' => '$'], 1, 50));
say('end');
