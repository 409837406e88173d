/// What is counted about the certificate of the public port; written by one reload at a time.
public enum TLSCounter: Int, CaseIterable, Sendable {
    /// Times that certificate and key were read anew and are in use since.
    case reloads
    /// Times that they could not be used; what was in use stayed.
    case reloadFailures
    /// Gauge: when the certificate in use expires, seconds since 1970; 0 without TLS.
    case notAfter
}
