import FanfareCore
import FanfareWire
import NIOCore

/// Publications in a list for a subscription with deltas: all of them whole, so that each client can have the newest so many.
enum CentrifugeJSONWholeItems: PublicationListEncoder {
    static let separator = CentrifugeJSONEncoder.separator

    static func writeItem(_ publication: Publication, into buffer: inout ByteBuffer) {
        CentrifugeJSONEncoder.writeWhole(publication, into: &buffer)
    }

    /// All of these.
    static func items(_ publications: [Publication]) -> ByteBuffer {
        var buffer = ByteBuffer()
        for (index, publication) in publications.enumerated() {
            if index > 0 { buffer.writeStaticString(separator) }
            writeItem(publication, into: &buffer)
        }
        return buffer
    }
}
