import NIOCore

@testable import FanfareProtocols
@testable import FanfareWire

extension FuzzTarget {
    /// A subscription's filter in both encodings, and tags: what is taken keeps its bounds, decides the same whenever it is asked, and
    /// decides otherwise within `not`.
    static let filters = FuzzTarget(name: "filters", maxBytes: 2_048) { input in
        var input = input
        let tags = (0..<input.pick(4)).map { _ in
            PublicationTags.Tag(name: ExactText(input.text()), value: ExactText(input.text()))
        }
        guard let tags = try? PublicationTags(tags) else { return }
        let message = input.buffer
        check(tags) { CentrifugeProtobufDecoder.filter(message) }
        var line = ByteBuffer(string: #"{"tf":"#)
        line.writeBytes(input.rest)
        line.writeStaticString("}")
        guard line.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }), let fields = JSONMembers(line) else {
            return
        }
        check(tags) { CentrifugeJSONDecoder.filter(fields) }
    }

    private static func check(_ tags: PublicationTags, _ read: () -> Result<TagFilter, TagFilterError>?) {
        switch read() {
        case nil: break
        case .failure(let error): expect(!error.description.isEmpty, "an error without words")
        case .success(let filter):
            let isMatch = filter.matches(tags)
            expect(filter.matches(tags) == isMatch, "two answers")
            expect(read() == .success(filter), "two readings")
            guard let opposite = try? TagFilter(.not(filter.root)) else { return }
            expect(opposite.matches(tags) != isMatch, "not is not not")
        }
    }
}
