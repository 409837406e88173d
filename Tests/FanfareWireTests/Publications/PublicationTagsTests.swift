import FanfareWire
import NIOCore
import Testing

@Suite("Tags of publications")
struct PublicationTagsTests {
    private func tags(_ pairs: [(ExactText, ExactText)]) throws(PublicationTagsError) -> PublicationTags {
        try PublicationTags(pairs.map { PublicationTags.Tag(name: $0.0, value: $0.1) })
    }

    @Test("they keep their order, and are found by the bytes of their names")
    func order() throws {
        let tags = try tags([("b", "1"), ("a", "2"), ("\u{E9}", "composed"), ("e\u{301}", "decomposed")])
        #expect(tags.all.map(\.name) == ["b", "a", "\u{E9}", "e\u{301}"])
        #expect(tags["a"] == "2" && tags["\u{E9}"] == "composed" && tags["e\u{301}"] == "decomposed")
        #expect(tags["A"] == nil)
        #expect(tags.count == 4 && !tags.isEmpty && PublicationTags.none.isEmpty)
    }

    @Test("more than the bounds are refused in words")
    func bounds() throws {
        let most = (0..<PublicationTags.maximumCount).map { (ExactText("\($0)"), ExactText("")) }
        #expect(try tags(most).count == PublicationTags.maximumCount)
        #expect(throws: PublicationTagsError.tooMany(33)) { try tags(most + [("x", "")]) }
        let long = ExactText(String(repeating: "v", count: PublicationTags.maximumBytes - 1))
        #expect(try tags([("n", long)]).size == PublicationTags.maximumBytes)
        #expect(throws: PublicationTagsError.tooLong(4_097)) { try tags([("nn", long)]) }
        #expect(throws: PublicationTagsError.noName) { try tags([("", "v")]) }
        #expect(throws: PublicationTagsError.repeated("a")) { try tags([("a", "1"), ("a", "2")]) }
        #expect("\(PublicationTagsError.tooMany(33))" == "33 tags, at most 32 are allowed")
    }

    @Test("a publication without tags and info has no metadata, and an info that is too long is left out")
    func metadata() throws {
        #expect(PublicationMetadata() == nil)
        let long = ClientInfo(client: "1", user: ExactText(String(repeating: "u", count: 20_000)))
        #expect(PublicationMetadata(info: long) == nil)
        let some = try tags([("a", "b")])
        let metadata = try #require(PublicationMetadata(tags: some, info: long))
        #expect(metadata.info == nil && metadata.tags == some && metadata.size == 2)
        let publication = Publication(channel: try ChannelName("c"), payload: Payload(text: "1234"), metadata: metadata)
        #expect(publication.size == 6)
    }
}
