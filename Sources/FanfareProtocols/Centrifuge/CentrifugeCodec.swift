import FanfareWire

/// The Centrifuge client protocol in one of its encodings.
struct CentrifugeCodec<Encoder: CentrifugeEncoder>: DeltaCodec {
    func body(_ publication: Publication) -> Body { Encoder.publicationPush(publication) }

    func body(_ event: PresenceEvent) -> Body? { Encoder.presencePush(event) }

    func wholeBody(_ publication: Publication) -> Body { Encoder.wholePush(publication) }

    func deltaBody(_ publication: Publication, after previous: Publication) -> Body? {
        Encoder.deltaPush(publication, after: previous)
    }
}
