"""The site server of the benchmark: a private nginx."""

import os

from support.nginx import Nginx

SERVER = "  server {{ {listen} root {root}; index index.html; {more} }}"

# After each paragraph's end a word that only this host has: no text is the same on two hosts.
DISTINCT = "sub_filter '</p>' ' Seen on $server_addr.</p>'; sub_filter_once off;"


class Site(Nginx):
    """One folder under several host names: the addresses 127.0.0.1, 127.0.0.2, …, on one port."""

    def __init__(self, run_dir, folder, hosts, distinct=False):
        addresses = [f"127.0.0.{i + 1}" for i in range(hosts)]
        super().__init__(run_dir.subdir("site"), SERVER.format(root=os.path.realpath(folder), more=DISTINCT if distinct else "",
                                                               listen=" ".join(f"listen {address}:PORT;" for address in addresses)))
        self.urls = [f"http://{address}:{self.port}/index.html" for address in addresses]
