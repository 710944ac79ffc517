# Sidekiq: a worker process of its own, and jobs for it. Its scheduler takes what is due by a script
# (EVALSHA after SCRIPT LOAD); workers block in BRPOP.
require "digest"
require "fileutils"
require "sidekiq"
require "tmpdir"

port, user, password = ARGV
$stdout.sync = true
address = { url: "redis://#{user}:#{password}@127.0.0.1:#{port}/2" }
Sidekiq.logger.level = Logger::FATAL
Redis.silence_deprecations = true
Sidekiq.configure_client { |config| config.redis = address.merge(size: 2) }

class Work
  include Sidekiq::Worker
  sidekiq_options retry: 3
  sidekiq_retry_in { 1 }

  # Each does its work with a script, as many users do.
  COUNT = "redis.call('RPUSH', KEYS[1], ARGV[1]) return redis.call('INCR', KEYS[2])"

  def perform(name)
    Sidekiq.redis do |r|
      r.evalsha(Digest::SHA1.hexdigest(COUNT), ["done", "count"], [name])
      fails = name.start_with?("twice") && r.incr("tries:#{name}") < 2
      raise "not yet" if fails
    end
  end
end

# The same file is the worker's.
if Sidekiq.server?
  Sidekiq.configure_server do |config|
    config.redis = address.merge(size: 7)
    config.on(:startup) { config.redis { |r| r.set("started", 1) } }
  end
else
  def say(*words)
    puts(words.map { |w| w.is_a?(String) ? w : w.inspect }.join(" "))
  end

  def redis(&block)
    Sidekiq.redis(&block)
  end

  def lose
    say "@lose"
    $stdin.gets
  end

  def wait_for(what)
    # Before it tries again it waits for up to ten seconds of its own choice.
    4000.times do
      return say(what) if yield
      sleep 0.01
    end
    raise "never: #{what}, done: #{done}"
  end

  def done
    redis { |r| r.lrange("done", 0, -1) }.sort
  end

  sleep_less = "Sidekiq.options[:average_scheduled_poll_interval] = 1; " \
               "Sidekiq.options[:poll_interval_average] = 1"
  boot = "ARGV.replace(#{ARGV.inspect}); #{sleep_less}; load #{File.expand_path(__FILE__).inspect}"
  folder = Dir.mktmpdir
  File.write("#{folder}/boot.rb", boot)
  worker = spawn("sidekiq", "-r", "#{folder}/boot.rb", "-c", "3", "-t", "5",
                 out: File::NULL, err: File::NULL)
  at_exit do
    Process.kill(:TERM, worker)
    Process.wait(worker)
    FileUtils.rm_rf(folder)
  end
  say "== jobs with scripts, retries, scheduled jobs"
  redis { |r| r.script(:load, Work::COUNT) }
  wait_for("started") { redis { |r| r.get("started") } }
  2.times do |round|
    10.times { |i| Work.perform_async("plain #{round}.#{i}") }
    wait_for("plain") { done.size == 10 + 13 * round }
    lose
    Work.perform_async("twice #{round}")
    Work.perform_in(1, "later #{round}")
    wait_for("all") { done.size == 13 + 13 * round }
    say(done)
  end
  lose
  say "== bulk"
  Sidekiq::Client.push_bulk("class" => Work, "args" => (0...50).map { |i| ["bulk #{i}"] })
  wait_for("bulk") { done.size == 76 }
  say(redis { |r| r.get("count") })
  say "end"
end
