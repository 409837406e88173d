import FanfareWire

/// The Centrifuge client protocol in JSON.
struct CentrifugeJSONCodec: Codec {
    func body(_ publication: Publication) -> Body { CentrifugeJSONEncoder.publicationPush(publication) }

    func body(_ event: PresenceEvent) -> Body? { CentrifugeJSONEncoder.presencePush(event) }
}
