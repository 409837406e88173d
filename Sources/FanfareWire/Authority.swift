/// Host and port as they stand in a URL (RFC 3986 §3.2.2): an IPv6 address in brackets, everything else as it is.
public enum Authority {
    public static func text(host: String, port: Int) -> String { "\(text(host: host)):\(port)" }

    /// The host alone.
    public static func text(host: String) -> String {
        host.utf8.contains(UInt8(ascii: ":")) && host.utf8.first != UInt8(ascii: "[") ? "[\(host)]" : host
    }
}
