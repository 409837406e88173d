import FanfareCore
import FanfareWire
import NIOCore

/// Publications for subscriptions with deltas: data is bytes in any case, so a whole one is as any other.
extension CentrifugeProtobufEncoder {
    public static func wholePush(_ publication: Publication) -> Body { publicationPush(publication) }

    public static func deltaPush(_ publication: Publication, after previous: Publication) -> Body? {
        let delta = FossilDelta.create(base: previous.payload.bytes, target: publication.payload.bytes)
        guard let delta, delta.readableBytes + isDelta < publication.payload.bytes.readableBytes else { return nil }
        let size = size(publication) - publication.payload.bytes.readableBytes + delta.readableBytes
        return push(publication.channel, .publication, about: size) {
            write(publication, delta: delta, into: &$0)
        }
    }

    /// Bytes of the field that says so.
    private static let isDelta = 2

    public static var wholeItems: any PublicationListEncoder.Type { Self.self }
}
