import FanfareWire
import NIOCore

/// `?cf_connect=`: the first commands of a client that can send no body, as an `EventSource`.
enum ConnectQuery {
    private static let name = "cf_connect="

    /// What it says: nothing where it is not there; `nil` where it can't be read.
    ///
    /// - Parameter target: the request target as received.
    static func value(_ target: String) -> ByteBuffer? {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return ByteBuffer() }
        for item in target[target.utf8.index(after: mark)...].utf8.split(separator: UInt8(ascii: "&"))
        where item.starts(with: name.utf8) {
            // As forms encode it, which is how browsers do: a plus is a space.
            let plain = Substring(item.dropFirst(name.utf8.count)).replacing("+", with: "%20")
            return PercentEncoding.decoded(plain.utf8).map { ByteBuffer(string: $0) }
        }
        return ByteBuffer()
    }
}
