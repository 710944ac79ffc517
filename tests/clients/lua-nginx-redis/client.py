"""lua-nginx-redis in nginx: a limiter in Lua, and requests to it. client.py PORT USER PASSWORD"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = """
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
env CLIENT_PORT;
env CLIENT_USER;
env CLIENT_PASSWORD;
{user}
events {{ worker_connections 128; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  lua_package_path "{here}/?.lua;;";
  server {{
    listen 127.0.0.1:{port};
    location /ready {{ return 200 "yes"; }}
    location /limit {{ content_by_lua_block {{ require("limiter").limit() }} }}
    location /values {{ content_by_lua_block {{ require("limiter").values() }} }}
    location /others {{ content_by_lua_block {{ require("limiter").others() }} }}
  }}
}}
"""


def say(*words):
    print(*words, flush=True)


def get(path):
    try:
        with opener.open(f"http://127.0.0.1:{port}/{path}", timeout=30) as answer:
            return answer.read().decode().strip()
    except urllib.error.HTTPError as error:
        return f"{error.code}"


def lose():
    say("@lose")
    sys.stdin.readline()


opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
os.environ.update(CLIENT_PORT=sys.argv[1], CLIENT_USER=sys.argv[2], CLIENT_PASSWORD=sys.argv[3])
with tempfile.TemporaryDirectory() as folder:
    user = "user root;" if os.getuid() == 0 else ""
    with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as file:
        file.write(CONFIG.format(folder=folder, here=HERE, port=port, user=user))
    nginx = subprocess.Popen(["/usr/sbin/nginx", "-p", folder, "-c", f"{folder}/nginx.conf"],
                             stdin=subprocess.DEVNULL)
    try:
        for _ in range(500):
            try:
                if get("ready") == "yes":
                    break
            except OSError:
                time.sleep(0.01)
        say("== limiter by EVALSHA")
        for round_ in range(4):
            say([get("limit?who=client") for _ in range(2)], get("limit?who=other"))
            lose()
        say("== values, pipelines, MULTI")
        for round_ in range(3):
            say(get("values"))
            lose()
        say("== AUTH, pub/sub, blocking, SELECT")
        say(get("others"))
        with open(f"{folder}/error.log", encoding="utf-8") as log:
            say("complaints:", log.read().replace(folder, "") or "none")
        say("end")
    finally:
        nginx.terminate()
        nginx.wait()
