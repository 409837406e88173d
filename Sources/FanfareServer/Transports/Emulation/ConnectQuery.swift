import FanfareWire
import NIOCore

/// `?cf_connect=`: the first commands of a client that can send no body, as an `EventSource`.
enum ConnectQuery {
    /// What it says: nothing where it is not there; `nil` where it can't be read.
    ///
    /// - Parameter target: the request target as received.
    static func value(_ target: String) -> ByteBuffer? {
        for item in QueryItems(target) where item.name.elementsEqual("cf_connect".utf8) {
            // As forms encode it, which is how browsers do: a plus is a space.
            let plain = Substring(item.value).replacing("+", with: "%20")
            return PercentEncoding.decoded(plain.utf8).map { ByteBuffer(string: $0) }
        }
        return ByteBuffer()
    }
}
