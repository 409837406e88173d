import NIOCore

/// The page at `/`: one file, built into the binary.
enum Page {
    static let bytes = ByteBuffer(bytes: PackageResources.index_html)

    /// Nothing but the page itself may run or be shown, and it may only talk to the host that it came from.
    static let headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-cache"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        (
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
                + "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
        ),
    ]
}
