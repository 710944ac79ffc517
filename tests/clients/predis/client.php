<?php
// Predis: scripts as commands of its own (EVALSHA, and EVAL where the server has not got it).
require 'Predis/Autoloader.php';
Predis\Autoloader::register();
[, $port, $user, $password] = $argv;

// Answers may be objects (statuses, errors), alone or in lists.
function plain($answer)
{
    if (is_array($answer)) {
        return array_map('plain', $answer);
    }
    return is_object($answer) ? (string)$answer : $answer;
}

function say(...$words)
{
    $shown = fn($word) => is_string($word) ? $word : json_encode($word);
    echo implode(' ', array_map($shown, array_map('plain', $words))), "\n";
}

function lose()
{
    say('@lose');
    fgets(STDIN);
}

function attempt($what, $action)
{
    try {
        say($what, $action());
    } catch (Predis\PredisException $error) {
        say($what, get_class($error), explode(' [tcp', $error->getMessage())[0]);
    }
}

class Add extends Predis\Command\ScriptCommand
{
    public function getKeysCount()
    {
        return 1;
    }

    public function getScript()
    {
        return "return redis.call('INCRBY', KEYS[1], ARGV[1])";
    }
}

class Failing extends Add
{
    public function getScript()
    {
        return "return redis.call('LPUSH', KEYS[1], 'x')";
    }
}

function open($port, $more = [])
{
    $client = new Predis\Client(['host' => '127.0.0.1', 'port' => $port] + $more);
    $client->getProfile()->defineCommand('add', 'Add');
    $client->getProfile()->defineCommand('failing', 'Failing');
    return $client;
}

say('== connect');
$r = open($port);
say($r->ping(), $r->client('SETNAME', 'predis'), $r->client('GETNAME'));
$three = open($port, ['database' => 3]);
say($three->executeRaw(['AUTH', $user, $password]), $three->executeRaw(['ACL', 'WHOAMI']));
say($three->set('k', 'in three'), $r->exists('k'));
attempt('wrong password:', fn() => open($port, ['password' => 'no'])->ping());

say('== values');
$large = str_repeat('0123456789abcdef', 100000);
say($r->set('large', $large), $r->get('large') === $large);
say($r->hmset('h', ['a' => 1, 'b' => 2]), $r->hgetall('h'), $r->mget(['none', 'k']));
say($r->zadd('z', ['x' => 1.5, 'y' => 2]), $r->zrange('z', 0, -1, ['withscores' => true]));
for ($i = 0; $i < 30; ++$i) {
    $r->set("scan:$i", $i);
}
$found = [];
foreach (new Predis\Collection\Iterator\Keyspace($r, 'scan:*', 7) as $key) {
    $found[$key] = true;
}
say(count($found));
attempt('wrong type:', fn() => $r->lpush('h', [1]));
say($r->executeRaw(['NOSUCH', 'x']));

say('== pipelines');
$answers = $r->pipeline(function ($pipe) {
    for ($i = 0; $i < 200; ++$i) {
        $pipe->incr('n');
    }
    $pipe->get('n');
});
say(array_slice($answers, 199));

say('== MULTI');
say($r->transaction(fn($tx) => $tx->set('t', 1)->incr('t')->get('t')));
attempt('in it:', fn() => $r->transaction(fn($tx) => $tx->set('t', 'x')->incr('t')->set('t2', 1)));
say($r->get('t2'));
$three->select(0);
$tries = 0;
$bump = function ($tx) use ($three, &$tries) {
    $seen = (int)$tx->get('watched');
    if (++$tries == 1) {
        $three->set('watched', 10);
    }
    $tx->multi();
    $tx->set('watched', $seen + 1);
};
say($r->transaction(['watch' => 'watched', 'cas' => true, 'retry' => 2], $bump), 'tries', $tries);
say($r->get('watched'));

say('== scripts');
for ($round = 0; $round < 4; ++$round) {
    say($r->add('s', 5), $r->eval('return {KEYS[1], ARGV[1], 7}', 1, 's', 'v'));
    attempt('error:', fn() => $r->failing('s'));
    say($r->transaction(fn($tx) => $tx->set('s2', 1)->add('s2', 1)->get('s2')));
    say($r->pipeline(fn($pipe) => $pipe->add('s', 1)->get('s')->add('s', 2)));
    lose();
}
$sha = $r->script('load', "return {ARGV[1], redis.call('INCR', KEYS[1])}");
say($sha, $r->script('exists', $sha, str_repeat('0', 40)));
for ($round = 0; $round < 4; ++$round) {
    lose();
    say($r->evalsha($sha, 1, 'by sha', 'a'));
    say($r->transaction(fn($tx) => $tx->evalsha($sha, 1, 'by sha', 'b')->get('by sha')));
}
attempt('never given:', fn() => $r->evalsha(str_repeat('f', 40), 0));
attempt('compile:', fn() => $r->eval('return (', 0));

say('== pub/sub');
$loop = open($port)->pubSubLoop();
$loop->subscribe('news');
$loop->psubscribe('n*');
foreach ($loop as $message) {
    say($message->kind, $message->channel, $message->payload);
    if ($message->kind === 'psubscribe') {
        say($r->pubsub('NUMSUB', 'news'), $r->publish('news', 'hello'));
    } elseif ($message->kind === 'pmessage') {
        $loop->unsubscribe('news');
        $loop->punsubscribe('n*');
    }
}

say('== blocking');
say($r->blpop(['empty'], 1));
$r->rpush('queue', ['job']);
say($r->blpop(['q0', 'queue'], 5), $r->rpush('q1', ['v']), $r->brpoplpush('q1', 'q2', 1));
say('end');
