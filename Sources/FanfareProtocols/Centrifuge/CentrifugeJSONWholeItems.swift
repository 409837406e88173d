import FanfareCore
import FanfareWire
import NIOCore

/// Publications in a list for a subscription with deltas: all of them whole, so that each client can have the newest so many.
enum CentrifugeJSONWholeItems: PublicationListEncoder {
    static let separator = CentrifugeJSONEncoder.separator

    static func writeItem(_ publication: Publication, into buffer: inout ByteBuffer) {
        CentrifugeJSONEncoder.writeWhole(publication, into: &buffer)
    }
}
