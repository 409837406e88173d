import FanfareWire
import NIOCore

/// How publications read as items of a list, in one protocol.
public protocol PublicationListEncoder {
    /// What stands between two items.
    static var separator: StaticString { get }
    /// Writes an item.
    static func writeItem(_ publication: Publication, into buffer: inout ByteBuffer)
}
