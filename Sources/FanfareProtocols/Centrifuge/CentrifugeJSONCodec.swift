import FanfareWire

/// The Centrifuge client protocol in JSON.
struct CentrifugeJSONCodec: DeltaCodec {
    func body(_ publication: Publication) -> Body { CentrifugeJSONEncoder.publicationPush(publication) }

    func body(_ event: PresenceEvent) -> Body? { CentrifugeJSONEncoder.presencePush(event) }

    func wholeBody(_ publication: Publication) -> Body { CentrifugeJSONEncoder.wholePush(publication) }

    func deltaBody(_ publication: Publication, after previous: Publication) -> Body? {
        CentrifugeJSONEncoder.deltaPush(publication, after: previous)
    }
}
