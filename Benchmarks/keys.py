"""Keys and tokens of one run, made by openssl and `fanfare token create`; nothing of them stays."""

import pathlib
import subprocess
import tempfile

from harness import NODE

_KINDS = {"ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
          "EdDSA": ["ED25519"]}
ALGORITHMS = ["HS256", *_KINDS]


class Keys:
    """A secret, and a key pair of each kind; `flags` are for a node that believes all of them."""

    def __enter__(self):
        self._temporary = tempfile.TemporaryDirectory()
        self._folder = pathlib.Path(self._temporary.name)
        public = b""
        for name, kind in _KINDS.items():
            subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", *kind, "-out", self._private(name)], check=True)
            command = ["openssl", "pkey", "-in", self._private(name), "-pubout"]
            public += subprocess.run(command, check=True, capture_output=True).stdout
        (self._folder / "public.pem").write_bytes(public)
        self._secret = self._folder / "secret"
        subprocess.run(["openssl", "rand", "-hex", "-out", self._secret, "32"], check=True)
        self.flags = ["--token-hmac-secret-file", str(self._secret), "--token-public-key-file",
                      str(self._folder / "public.pem")]
        return self

    @property
    def certificate(self):
        """Flags for a node that speaks TLS, with a certificate that nobody vouches for."""
        files = [str(self._folder / name) for name in ("certificate.pem", "key.pem")]
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                   "-subj", "/CN=localhost", "-out", files[0], "-keyout", files[1]]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return ["--tls-certificate", files[0], "--tls-key", files[1]]

    def __exit__(self, *_):
        self._temporary.cleanup()

    def token(self, algorithm):
        """A token as a backend would make it, for an hour."""
        key = ["--token-hmac-secret-file", self._secret]
        if algorithm in _KINDS:
            key = ["--private-key-file", self._private(algorithm)]
        command = [NODE, "token", "create", "--user", "42", *key]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def _private(self, name):
        return self._folder / f"{name}.pem"
