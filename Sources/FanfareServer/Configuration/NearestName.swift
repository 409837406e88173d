/// Finds what somebody may have meant.
enum NearestName {
    /// The candidate that is most like `name`, if it is near enough to be meant.
    ///
    /// Names are made of words. First counts how many words have no partner, then how many characters differ: of `redis` and
    /// `redis-file`, `redis-url` is nearer to the first, though the second has as many characters.
    static func find(_ name: String, among candidates: [String]) -> String? {
        let words = words(name)
        let likely = candidates.compactMap { candidate -> (name: String, strangers: Int, distance: Int)? in
            let (known, strangers) = pair(words, Self.words(candidate))
            let distance = distance(name, candidate)
            guard distance <= max(2, name.count / 3) || (known > 0 && strangers <= 1) else { return nil }
            return (candidate, strangers, distance)
        }
        return likely.min { ($0.strangers, $0.distance) < ($1.strangers, $1.distance) }?.name
    }

    private static func words(_ name: String) -> [Substring] { name.split { $0 == "-" || $0 == "_" } }

    /// How many words of both have a partner in the other, and how many have none.
    private static func pair(_ left: [Substring], _ right: [Substring]) -> (known: Int, strangers: Int) {
        var free = right
        var known = 0
        for word in left {
            guard let index = free.firstIndex(where: { distance(String(word), String($0)) <= word.count / 4 }) else {
                continue
            }
            free.remove(at: index)
            known += 1
        }
        return (known, left.count + right.count - 2 * known)
    }

    /// Levenshtein's distance.
    static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (index, byte) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let change = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(change, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
