import FanfareWire
import NIOCore
import Testing

@testable import FanfareRedis

@Suite("Fields of envelopes")
struct EnvelopeFieldTests {
    private static let info = ClientInfo(client: "1", user: "ann", connInfo: ByteBuffer(string: #"{"name":"é"}"#))

    private static let client = ClientID(words: (0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210))

    private static func metadata() throws -> PublicationMetadata {
        let tags = try PublicationTags([.init(name: "ticker", value: "ACME"), .init(name: "é", value: "")])
        return try #require(PublicationMetadata(tags: tags, info: info, excludedClient: client))
    }

    private func publication(_ payload: Payload = Payload(text: "hé"), _ metadata: PublicationMetadata?) throws
        -> Publication
    {
        Publication(channel: try ChannelName("c"), payload: payload, publishedAt: 7, metadata: metadata)
    }

    /// A publication as it is published: without a place, numbered, in a stream.
    private func written(_ publication: Publication) -> [[UInt8]] {
        let body = Array(Envelope.body(publication).readableBytesView)
        var plain = ByteBuffer()
        Envelope.writeHeader(publication, into: &plain)
        var numbered = ByteBuffer()
        Envelope.writeHeader(publication, PublisherNumber(publisher: 3, number: 4), into: &numbered)
        var stream = ByteBuffer()
        Envelope.writeStreamHeader(publication, into: &stream)
        // As the script does.
        stream.writeInteger(UInt64(9))
        stream.writeInteger(UInt8(2))
        stream.writeString("e1")
        return [plain, numbered, stream].map { Array($0.readableBytesView) + body }
    }

    private func read(_ bytes: [UInt8]) -> (envelope: Envelope?, skipped: Int) {
        var skipped = 0
        let envelope = bytes.withUnsafeBytes { Envelope.read($0, skippedFields: &skipped) }
        return (envelope, skipped)
    }

    private func all(_ payload: Payload, _ metadata: PublicationMetadata?) -> [Envelope] {
        [
            .publication(payload, acceptedAt: 7, metadata),
            .numbered(payload, acceptedAt: 7, PublisherNumber(publisher: 3, number: 4), metadata),
            .positioned(payload, acceptedAt: 7, StreamPosition(offset: 9, epoch: "e1"), metadata),
        ]
    }

    /// A header of kind 1 that says that fields follow, fields as they are given, and a payload.
    private func message(_ fields: [(id: UInt16, value: [UInt8])], kind: UInt8 = 1, payload: String = "text") -> [UInt8]
    {
        var buffer = ByteBuffer(bytes: [0, 0x46, 0x46, 1, kind, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7])
        TypedFields.write(into: &buffer) { writer in
            for field in fields { writer.add(field.id) { $0.writeBytes(field.value) } }
        }
        buffer.writeString(payload)
        return Array(buffer.readableBytesView)
    }

    @Test("tags and info are read as they were, in every kind of publication")
    func roundTrip() throws {
        for payload in [
            Payload(text: "hé"), Payload(text: ""), Payload(kind: .binary, bytes: ByteBuffer(bytes: [0, 255])),
        ] {
            let metadata = try Self.metadata()
            for (bytes, expected) in zip(written(try publication(payload, metadata)), all(payload, metadata)) {
                #expect(read(bytes) == (expected, 0))
                #expect(bytes.withUnsafeBytes { Envelope.fieldBytes($0) } > metadata.size)
            }
        }
    }

    @Test("the client that is left out is sixteen bytes, in every kind of publication")
    func excludedClient() throws {
        let payload = Payload(text: "x")
        let metadata = try #require(PublicationMetadata(excludedClient: Self.client))
        for (bytes, expected) in zip(written(try publication(payload, metadata)), all(payload, metadata)) {
            #expect(read(bytes) == (expected, 0))
        }
        let id: [UInt8] = [
            0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10,
        ]
        let known = try publication(payload, nil).excluding(Self.client)
        #expect(Array(Envelope.body(known).readableBytesView) == [0, 0, 0, 22, 0, 3, 0, 0, 0, 16] + id + [0x78])
        #expect(Self.client.description == "01234567-89ab-cdef-fedc-ba9876543210")
        // What the publication had before stays with it.
        #expect(try publication(payload, Self.metadata()).excluding(Self.client).metadata == Self.metadata())
        #expect(try publication(payload, nil).excluding(nil).metadata == nil)
    }

    @Test("without anything in them no byte says that there could be fields: nodes of before read it")
    func none() throws {
        let payload = Payload(text: "hé")
        for (bytes, expected) in zip(written(try publication(payload, nil)), all(payload, nil)) {
            #expect(bytes[6] == 0)
            #expect(read(bytes) == (expected, 0))
            #expect(bytes.withUnsafeBytes { Envelope.fieldBytes($0) } == 0)
        }
        let body = Envelope.body(try publication(payload, nil))
        #expect(body == payload.bytes)
    }

    @Test("a field that is not known is passed over and counted, wherever it stands")
    func unknown() throws {
        let tags = try PublicationTags([.init(name: "a", value: "b")])
        let known: (UInt16, [UInt8]) = (1, [0, 1, 0x61, 0, 1, 0x62])
        let unknown: (UInt16, [UInt8]) = (999, [1, 2, 3])
        let empty: (UInt16, [UInt8]) = (0, [])
        for fields in [[unknown, known, empty], [known, unknown, empty], [unknown, empty, known]] {
            let expected = Envelope.publication(
                Payload(text: "text"), acceptedAt: 7, PublicationMetadata(tags: tags))
            #expect(read(message(fields)) == (expected, 2))
        }
        #expect(read(message([unknown])) == (.publication(Payload(text: "text"), acceptedAt: 7), 1))
        #expect(read(message([])) == (.publication(Payload(text: "text"), acceptedAt: 7), 0))
        // Joins, leaves and probes have no fields yet; those of a newer node hinder nobody.
        let join = message([unknown], kind: 5, payload: String(buffer: Self.info.json))
        #expect(read(join) == (.presence(.join, Self.info), 1))
        #expect(read(message([unknown, empty], kind: 2, payload: "")) == (.probe(7), 2))
    }

    @Test("a field that no node wrote so is passed over, and the publication goes on")
    func malformed() {
        let long = [UInt8](repeating: 0x61, count: 5_000)
        let tooMany = (0..<33).flatMap { (number: UInt8) -> [UInt8] in [0, 1, 0x40 + number, 0, 0] }
        let bad: [(UInt16, [UInt8])] = [
            (1, [0]), (1, [0, 9, 0x61]), (1, [0, 1, 0x61]), (1, [0, 0, 0, 0]), (1, [0, 1, 0xFF, 0, 0]),
            (1, [0, 1, 0x61, 0, 0, 0, 1, 0x61, 0, 0]), (1, [0x13, 0x88] + long + [0, 0]), (1, tooMany),
            (2, []), (2, Array("{}".utf8)), (2, Array("nonsense".utf8)), (2, Array(#"{"client":"?"#.utf8)),
            (2, [UInt8](repeating: 0x20, count: 20_000)),
            (3, []), (3, [UInt8](repeating: 1, count: 15)), (3, [UInt8](repeating: 1, count: 17)),
        ]
        for field in bad {
            let result = read(message([field]))
            #expect(result == (.publication(Payload(text: "text"), acceptedAt: 7), 1), "\(field)")
        }
    }

    @Test("of a field that comes twice the first counts")
    func repeated() throws {
        let result = read(message([(1, [0, 1, 0x61, 0, 0]), (1, [0, 1, 0x62, 0, 0])]))
        let tags = try PublicationTags([.init(name: "a", value: "")])
        #expect(
            result == (.publication(Payload(text: "text"), acceptedAt: 7, PublicationMetadata(tags: tags)), 1))
    }

    @Test("fields that end early take nothing of the payload with them")
    func cutField() {
        var bytes = message([(999, [1, 2, 3])])
        // The field says that it is longer than all fields together.
        bytes[15 + 4 + 2 + 3] = 200
        #expect(read(bytes) == (.publication(Payload(text: "text"), acceptedAt: 7), 1))
    }

    @Test("where fields say that they are longer than the message nobody knows the payload: it is dropped")
    func overlong() {
        var bytes = message([(999, [1, 2, 3])])
        for length: [UInt8] in [[0, 0, 0, 255], [0, 1, 0, 1], [255, 255, 255, 255]] {
            bytes.replaceSubrange(15..<19, with: length)
            #expect(read(bytes).envelope == nil)
        }
        // So it is with fields above the bound that are there.
        let most = message([(999, [UInt8](repeating: 1, count: TypedFields.maximumBytes - 6))])
        #expect(read(most).envelope != nil)
        let more = message([(999, [UInt8](repeating: 1, count: TypedFields.maximumBytes - 5))])
        #expect(read(more).envelope == nil)
    }

    @Test("what says that it means something else is dropped: kinds, versions and bits that are not known")
    func newer() {
        let known = message([])
        for (place, value) in [(3, 2), (3, 0), (4, 0), (4, 7), (4, 255), (5, 2), (6, 2), (6, 3), (6, 0x80)] {
            var bytes = known
            bytes[place] = UInt8(value)
            #expect(read(bytes).envelope == nil, "byte \(place) is \(value)")
        }
    }

    @Test("every message, cut anywhere, is read or dropped")
    func cut() throws {
        for bytes in written(try publication(Payload(text: "hé"), try Self.metadata())) {
            for count in 0..<bytes.count {
                let result = read(Array(bytes[..<count]))
                // The bytes that the header and the fields take are missing: nothing of it is a payload.
                if count >= 3, count < bytes.count - 3 { #expect(result.envelope == nil, "\(count) of \(bytes.count)") }
            }
        }
    }
}
