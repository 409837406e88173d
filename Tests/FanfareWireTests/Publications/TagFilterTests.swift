import FanfareTestKit
import Testing

@testable import FanfareWire

@Suite("Filters by tags")
struct TagFilterTests {
    private func tags(_ pairs: [(ExactText, ExactText)]) throws -> PublicationTags {
        try PublicationTags(pairs.map { PublicationTags.Tag(name: $0.0, value: $0.1) })
    }

    private func leaf(
        _ cmp: ExactText, _ val: ExactText = "", _ vals: [ExactText] = [], key: ExactText = "k"
    ) throws -> TagFilter {
        try TagFilter(TagFilter.Node(op: "", key: key, cmp: cmp, val: val, vals: vals))
    }

    @Test(
        "each comparison, with a tag, with another value and without the tag",
        arguments: [
            ("eq", "abc", "abc", "abd", false), ("neq", "abc", "x", "abc", true), ("sw", "ab", "abc", "xab", false),
            ("ew", "bc", "abc", "bca", false), ("ct", "b", "abc", "xyz", false), ("lt", "10", "9.5", "10", false),
            ("lte", "10", "10.0", "10.01", false), ("gt", "-2", "-1", "-2", false), ("gte", "3", "03", "2.99", false),
        ] as [(ExactText, ExactText, ExactText, ExactText, Bool)])
    func comparisons(cmp: ExactText, val: ExactText, good: ExactText, bad: ExactText, without: Bool) throws {
        let filter = try leaf(cmp, val)
        #expect(filter.matches(try tags([("k", good)])))
        #expect(!filter.matches(try tags([("k", bad)])))
        #expect(filter.matches(try tags([("other", good)])) == without)
    }

    @Test("lists and existence")
    func lists() throws {
        #expect(try leaf("in", "", ["a", "b"]).matches(tags([("k", "b")])))
        #expect(try !leaf("in", "", ["a", "b"]).matches(tags([("k", "c")])))
        #expect(try !leaf("in", "", ["a"]).matches(.none))
        #expect(try leaf("in", "", [""]).matches(.none))
        #expect(try leaf("nin", "", ["a"]).matches(.none))
        #expect(try !leaf("nin", "", ["a"]).matches(tags([("k", "a")])))
        #expect(try leaf("ex").matches(tags([("k", "")])))
        #expect(try !leaf("ex").matches(.none))
        #expect(try !leaf("nex").matches(tags([("k", "")])))
        #expect(try leaf("nex").matches(.none))
    }

    @Test("combinations")
    func combinations() throws {
        let a = try TagFilter.Node(op: "", key: "a", cmp: "eq", val: "1")
        let b = try TagFilter.Node(op: "", key: "b", cmp: "eq", val: "1")
        let both = try tags([("a", "1"), ("b", "1")])
        let one = try tags([("a", "1"), ("b", "2")])
        #expect(try TagFilter(.init(op: "and", nodes: [a, b])).matches(both))
        #expect(try !TagFilter(.init(op: "and", nodes: [a, b])).matches(one))
        #expect(try TagFilter(.init(op: "or", nodes: [a, b])).matches(one))
        #expect(try !TagFilter(.init(op: "or", nodes: [a, b])).matches(.none))
        #expect(try TagFilter(.init(op: "not", nodes: [b])).matches(one))
    }

    @Test("values are compared by their bytes, and numbers of any length exactly")
    func exact() throws {
        #expect(try !leaf("eq", "K").matches(tags([("k", "\u{212A}")])))
        #expect(try !leaf("eq", "\u{E9}").matches(tags([("k", "e\u{301}")])))
        #expect(try !leaf("sw", "e").matches(tags([("k", "\u{E9}")])))
        #expect(try leaf("sw", "e").matches(tags([("k", "e\u{301}")])))
        #expect(try leaf("gt", "9007199254740992").matches(tags([("k", "9007199254740993")])))
        #expect(try leaf("lt", "0.1000000000000000000001").matches(tags([("k", "0.1")])))
        #expect(try leaf("gte", "0").matches(tags([("k", "-0.0")])))
        #expect(try leaf("lte", "-0").matches(tags([("k", "0")])))
        for text in ["", "-", "1e3", ".5", "5.", "1 ", "0x1", "NaN", "1,5", "٣"] as [ExactText] {
            #expect(try !leaf("lt", "5").matches(tags([("k", text)])), "\(text)")
        }
    }

    @Test("parts are found wherever they are, as a plain search finds them")
    func parts() throws {
        var random = SeededRandom(seed: 3)
        for _ in 0..<5_000 {
            func text(_ most: Int) -> String {
                String(
                    (0..<Int.random(in: 0...most, using: &random)).compactMap { _ in "aab".randomElement(using: &random)
                    })
            }
            let (part, whole) = (text(5), text(20))
            let expected = (0...whole.utf8.count).contains { whole.utf8.dropFirst($0).starts(with: part.utf8) }
            #expect(TextPattern(ExactText(part)).isPart(of: ExactText(whole)) == expected, "\(part) in \(whole)")
        }
    }

    @Test("equal filters are one value, whatever they are made of")
    func equal() throws {
        #expect(try leaf("eq", "a") == leaf("eq", "a"))
        #expect(try leaf("eq", "a").hashValue == leaf("eq", "a").hashValue)
        #expect(try leaf("eq", "K") != leaf("eq", "\u{212A}"))
    }

    @Test(
        "what is no filter is refused with a reason",
        arguments: [
            ("", "k", "", "", 0, 0), ("", "k", "like", "x", 0, 0), ("", "k", "eq", "", 0, 0), ("", "", "eq", "x", 0, 0),
            ("", "k", "eq", "x", 1, 0), ("", "k", "in", "", 0, 0), ("", "k", "in", "x", 1, 0),
            ("", "k", "ex", "x", 0, 0),
            ("", "k", "lt", "ten", 0, 0), ("and", "", "", "", 0, 0), ("not", "", "", "", 0, 2),
            ("xor", "", "", "", 0, 1),
        ] as [(ExactText, ExactText, ExactText, ExactText, Int, Int)])
    func refused(op: ExactText, key: ExactText, cmp: ExactText, val: ExactText, vals: Int, nodes: Int) throws {
        let node = try TagFilter.Node(op: "", key: "k", cmp: "ex")
        #expect(throws: TagFilterError.self) {
            try TagFilter.Node(
                op: op, key: key, cmp: cmp, val: val, vals: .init(repeating: "v", count: vals),
                nodes: .init(repeating: node, count: nodes))
        }
    }

    @Test("depth, nodes, values and bytes are bounded")
    func bounds() throws {
        var deep = try TagFilter.Node(op: "", key: "k", cmp: "ex")
        for _ in 1..<TagFilter.maximumDepth { deep = .not(deep) }
        _ = try TagFilter(deep)
        #expect(throws: TagFilterError.tooDeep) { try TagFilter(.not(deep)) }
        let leaf = TagFilter.Node.compare("k", .exists)
        _ = try TagFilter(.any(.init(repeating: leaf, count: TagFilter.maximumNodes - 1)))
        #expect(throws: TagFilterError.tooManyNodes) {
            try TagFilter(.any(.init(repeating: leaf, count: TagFilter.maximumNodes)))
        }
        #expect(throws: TagFilterError.tooManyValues) {
            try TagFilter(.compare("k", .oneOf(.init(repeating: "v", count: TagFilter.maximumValues + 1))))
        }
        #expect(throws: TagFilterError.tooLong) {
            try TagFilter(.compare("k", .equal(ExactText(String(repeating: "v", count: TagFilter.maximumBytes)))))
        }
    }
}
