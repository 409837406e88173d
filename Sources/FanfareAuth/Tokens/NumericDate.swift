import NIOCore

/// The times of tokens: any JSON number, in seconds since 1970 (RFC 7519 §2). Also one before that, with a fraction, or of a
/// far future, as libraries write it that mean "never".
enum NumericDate {
    /// The whole seconds up to which a Double has each, some 285 million years: what is further is taken for this.
    private static let furthest = 9_007_199_254_740_992.0

    /// - Returns: whole seconds, a fraction cut off; `nil` for what is not a number.
    static func seconds(_ json: ByteBuffer) -> Int64? {
        // A JSON value is a number when it begins like one; Double would take texts such as `nan` and `0x1` too.
        guard let first = json.readableBytesView.first,
            first == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
            let number = Double(String(buffer: json)), !number.isNaN
        else { return nil }
        return Int64(max(-furthest, min(furthest, number)).rounded(.down))
    }
}
