"""Functions in other languages become Python programs that give what they give."""
# ruff: noqa: E501, RUF005 - functions of other languages, one a line

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decontam._programs import programs
from decontam.translate import foreign
from decontam.translate.program import translated

JS = [
    ("function f(a, b) { return a + b; }", (2, 3), 5),
    ("const f = (a, b = 2) => a * b;", (4,), 8),
    ("const f = s => s.split('').reverse().join('');", ("abc",), "cba"),
    (
        "function f(n) {\n  let t = 0\n  for (let i = 0; i < n; i++) {\n    if (i % 2) continue\n    t += i\n  }\n  return t\n}",
        (6,),
        6,
    ),
    ("function f(a) { let s = 0; for (const x of a) s += x; return s / a.length; }", ([1, 2],), 1.5),
    (
        "function f(a) { const m = {}; for (const x of a) { m[x] = (m[x] || 0) + 1; } return m; }",
        (["a", "b", "a"],),
        {"a": 2, "b": 1},
    ),
    ("function f(a) { let [x, y] = [a[0], a[1]]; [x, y] = [y, x]; return [x, y]; }", ([1, 2],), [2, 1]),
    ("function f(a) { return a.map((x, i) => x * i).filter(x => x > 1); }", ([5, 6, 7],), [6, 14]),
    ("function f(a) { let s = 0; a.forEach(x => s += x); return s; }", ([1, 2, 3],), 6),
    ("function f(n) { return n <= 1 ? 1 : n * f(n - 1); }", (5,), 120),
    ("function f(name) { return `hi ${name.toUpperCase()}!`; }", ("bo",), "hi BO!"),
    (
        "function f(n) { function g(k) { return k * 2; } const h = function (k) { return g(k) + 1; }; return h(n); }",
        (4,),
        9,
    ),
    (
        "function f(x) { switch (x) { case 1: case 2: return 'low'; case 3: return 'mid'; default: return 'high'; } }",
        (2,),
        "low",
    ),
    ("function f(x) { switch (x) { case 1: return 'a'; default: return 'z'; } }", (7,), "z"),
    ("function f(a) { return [...new Set(a)].sort((x, y) => x - y); }", ([3, 1, 3, 20],), [1, 3, 20]),
    ("function f(a) { let i = 0; do { i++; } while (a[i] !== 0); return i; }", ([4, 4, 0],), 2),
    ("const f = function (a) { const { x, y } = a; return x - y; };", ({"x": 5, "y": 2},), 3),
    ("function f(s) { return s.replace(/[aeiou]/g, ''); }", ("education",), "dctn"),
    ("function f(...xs) { return Math.max(...xs); }", (4, 9, 2), 9),
    ("function f(a, b) {\n  // swap\n  let t = a\n  a = b\n  b = t\n  return [a, b]\n}", (1, 2), [2, 1]),
    ("class S { static f(a) { return a.length === 0 ? null : a[a.length - 1]; } }", ([1, 2],), 2),
    ("export default function f(x) { return typeof x === 'string'; }", ("a",), True),
    (
        "function f(a: number[], k: number): number[] { const r: number[] = []; for (let i = 0; i < k; i++) { r.push(a[i]!); } return r; }",
        ([1, 2, 3], 2),
        [1, 2],
    ),
    ("const f = (a: string, b: string): boolean => a === b;", ("x", "x"), True),
    ("const K = 3;\nfunction f(x) { return x + K; }", (1,), 4),
    ("function f(x) { const o = { a: 1, 'b': x, c() { return 1; } }; return o.a + o.b; }", (4,), 5),
    ("function f(m) { let r = ''; for (const k in m) { r += k; } return r; }", ({"p": 1, "q": 2},), "pq"),
    (
        "function f(a) { try { if (a < 0) { throw new Error('no'); } return a; } catch (e) { return 0; } }",
        (-1,),
        0,
    ),
    ("function f(a) { let n = 0; const g = () => { n += a; }; g(); g(); return n; }", (3,), 6),
]
C = [
    ("int f(int a, int b) { return a / b; }", (-7, 2), -3),
    ("int f(int *a, int n) { int t = 0; for (int i = 0; i < n; i++) t += a[i]; return t; }", ([1, 2, 3],), 6),
    (
        '#include <stdio.h>\nint f(int arr[], int size) {\n  int i = 0, best = arr[0];\n  while (++i < size) if (arr[i] > best) best = arr[i];\n  return best;\n}\nint main() { int a[] = {1}; printf("%d", f(a, 1)); return 0; }',
        ([1, 9, 3],),
        9,
    ),
    (
        "int f(char *s) { int n = 0; for (int i = 0; s[i] != '\\0'; i++) { if (s[i] >= 'a' && s[i] <= 'z') n += s[i] - 'a'; } return n; }",
        ("abC",),
        1,
    ),
    ("#include <ctype.h>\nchar f(char c) { return toupper(c); }", ("q",), "Q"),
    ("double f(double x) { int whole = x; return x - whole; }", (3.5,), 0.5),
    ("static int g(int n) { return n % 2 == 0; }\nbool f(int n) { return !g(n) && n > 0; }", (3,), True),
    ("int f(unsigned int n) { int c = 0; while (n) { c += n & 1; n >>= 1; } return c; }", (13,), 3),
    (
        "void f(int *a, int n) { for (int i = 0, j = n - 1; i < j; i++, j--) { int t = a[i]; a[i] = a[j]; a[j] = t; } }",
        ([1, 2, 3],),
        [3, 2, 1],
    ),
    ("#define LIMIT 10\nint f(int x) { return x > LIMIT ? LIMIT : x; }", (12,), 10),
    (
        "int f(int n) { switch (n) { case 1: n = 5; break; case 2: n = 6; break; default: n = 0; } return n; }",
        (2,),
        6,
    ),
    (
        "char *f(char *s) { int n = strlen(s); char *r = malloc(n + 1); for (int i = 0; i < n; i++) { r[i] = s[n - 1 - i]; } r[n] = '\\0'; return r; }",
        ("abc",),
        "cba",
    ),
    ("int f(int n) { int grid[3][3] = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}; return grid[n][n]; }", (1,), 5),
]
CPP = [
    ("vector<int> f(vector<int> v) { sort(v.begin(), v.end()); return v; }", ([3, 1, 2],), [1, 2, 3]),
    (
        "#include <string>\nstd::string f(const std::string& s) { std::string r = \"\"; for (char c : s) { if (c != ' ') r += c; } return r; }",
        ("a b c",),
        "abc",
    ),
    (
        "string f(string s) { for (int i = 0; i < s.size(); i++) { if (islower(s[i])) s[i] = toupper(s[i]); } return s; }",
        ("aBc",),
        "ABC",
    ),
    ("string f(string s) { string r = s; reverse(r.begin(), r.end()); return r; }", ("abc",), "cba"),
    (
        "int f(vector<int> v) { map<int, int> m; for (auto x : v) m[x]++; int best = 0; for (auto& [k, n] : m) best = max(best, n); return best; }",
        ([1, 2, 2],),
        2,
    ),
    (
        "int f(vector<int> v) { unordered_map<int, int> m; for (int x : v) m[x]++; int t = 0; for (auto it = m.begin(); it != m.end(); ++it) { t += it->second; } return t; }",
        ([1, 2, 2],),
        3,
    ),
    ("vector<int> f(int n) { vector<int> v(n, 7); v.push_back(1); return v; }", (2,), [7, 7, 1]),
    ("int f(vector<int>& v) { return accumulate(v.begin(), v.end(), 0); }", ([1, 2, 3],), 6),
    (
        "int f(vector<int> v) { return std::accumulate(v.begin(), v.end(), 1, std::multiplies<int>()); }",
        ([2, 3, 4],),
        24,
    ),
    (
        "vector<int> f(vector<int> v) { std::sort(v.begin(), v.end(), std::greater<int>()); return v; }",
        ([3, 1, 5],),
        [5, 3, 1],
    ),
    (
        "bool f(vector<int> v) { return std::is_sorted(v.begin(), v.end(), std::greater<>{}); }",
        ([3, 3, 1],),
        True,
    ),
    (
        "vector<int> f(vector<int> v) { sort(v.begin(), v.end(), [](int a, int b) { return a > b; }); return v; }",
        ([3, 1, 2],),
        [3, 2, 1],
    ),
    (
        "#include <vector>\nusing namespace std;\nvector<float> f(vector<float> n) { vector<float> out = {}; if (n.size() == 0 or n[0] > 1) out = {n[0], 2}; return out; }",
        ([1.5],),
        [1.5, 2],
    ),
    (
        "class Solution { public: int f(int n) { return n < 2 ? n : f(n - 1) + f(n - 2); } };\nstd::string x;",
        (7,),
        13,
    ),
    (
        "long long f(int n) { long long r = 1; for (int i = 2; i <= n; ++i) r *= i; return static_cast<long long>(r); } using namespace std;",
        (5,),
        120,
    ),
    (
        "void f(vector<int>& a) { for (int i = 0; i + 1 < a.size(); i += 2) swap(a[i], a[i + 1]); }",
        ([1, 2, 3],),
        [2, 1, 3],
    ),
]
JAVA = [
    (
        "BigInteger f(int n) { BigInteger a = BigInteger.ONE; for (int i = 2; i <= n; i++) a = a.multiply(BigInteger.valueOf(i)); return a; }",
        (25,),
        15511210043330985984000000,
    ),
    (
        'BigInteger f(int n) { BigInteger a = new BigInteger("12"); return a.add(BigInteger.TEN).mod(BigInteger.valueOf(n)); }',
        (5,),
        2,
    ),
    ("public static int f(int[] a) { int t = 0; for (int x : a) { t += x; } return t; }", ([1, 2, 3],), 6),
    (
        "class Solution {\n public List<Integer> f(List<Integer> v) {\n List<Integer> r = new ArrayList<>();\n for (int i = v.size() - 1; i >= 0; i--) { r.add(v.get(i)); }\n return r; } }",
        ([1, 2, 3],),
        [3, 2, 1],
    ),
    (
        "public String f(String s) { StringBuilder sb = new StringBuilder(); for (char c : s.toCharArray()) { if (Character.isLetter(c)) { sb.append(c); } } return sb.reverse().toString(); }",
        ("a1b",),
        "ba",
    ),
    (
        "public Map<Character, Integer> f(String s) { Map<Character, Integer> m = new HashMap<>(); for (char c : s.toCharArray()) m.put(c, m.getOrDefault(c, 0) + 1); return m; }",
        ("aab",),
        {"a": 2, "b": 1},
    ),
    (
        'public static String f(String s, int k) { String r = ""; for (int i = 0; i < s.length(); i++) { r += (char) (s.charAt(i) + k); } return r; }',
        ("abc", 1),
        "bcd",
    ),
    (
        "public static double f(double[] a) { double t = 0; for (double x : a) t += x; return t / a.length; }",
        ([1, 2],),
        1.5,
    ),
    (
        "public class M { private static final int K = 4;\n public static int f(int x) { return M.g(x) + K; }\n private static int g(int x) { return x * x; } }",
        (3,),
        13,
    ),
    (
        "public static int[] f(int n) { int[] r = new int[n]; for (int i = 0; i < n; i++) r[i] = i * i; return r; }",
        (3,),
        [0, 1, 4],
    ),
    (
        "public static List<String> f(List<String> v) { return v.stream().filter(s -> s.length() > 1).map(String::toUpperCase).collect(Collectors.toList()); }",
        (["a", "bb"],),
        ["BB"],
    ),
    ("public static boolean f(String a, String b) { return a.equals(b) || a.isEmpty(); }", ("x", "x"), True),
    (
        "public static int f(int n) { int r = switch (n) { default -> 0; }; return r; }\npublic static int g(int n) { return n; }",
        None,
        None,
    ),
    (
        "public static long f(long n) { long r = 0; while (n > 0) { r = r * 10 + n % 10; n /= 10; } return r; }",
        (123,),
        321,
    ),
]
GO = [
    (
        "func f(a []int) int {\n\tt := 0\n\tfor _, x := range a {\n\t\tt += x\n\t}\n\treturn t\n}",
        ([1, 2, 3],),
        6,
    ),
    (
        'package main\nimport "strings"\nfunc f(s string) string {\n\tparts := strings.Fields(s)\n\tfor i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {\n\t\tparts[i], parts[j] = parts[j], parts[i]\n\t}\n\treturn strings.Join(parts, " ")\n}',
        ("a b c",),
        "c b a",
    ),
    (
        "func f(s string) map[string]int {\n\tm := map[string]int{}\n\tfor _, c := range s {\n\t\tm[string(c)]++\n\t}\n\treturn m\n}",
        ("aab",),
        {"a": 2, "b": 1},
    ),
    (
        "func f(n int) []int {\n\tvar r []int\n\tfor i := 0; i < n; i++ {\n\t\tif i%2 == 0 {\n\t\t\tcontinue\n\t\t}\n\t\tr = append(r, i)\n\t}\n\treturn r\n}",
        (6,),
        [1, 3, 5],
    ),
    (
        "func f(a []int, k int) int {\n\tseen := make(map[int]bool)\n\tfor i, x := range a {\n\t\tif _, ok := seen[k-x]; ok {\n\t\t\treturn i\n\t\t}\n\t\tseen[x] = true\n\t}\n\treturn -1\n}",
        ([1, 5, 9], 10),
        2,
    ),
    (
        'func f(x int) string {\n\tswitch {\n\tcase x < 0:\n\t\treturn "neg"\n\tcase x == 0:\n\t\treturn "zero"\n\t}\n\treturn "pos"\n}',
        (0,),
        "zero",
    ),
    (
        'func f(a, b int) (int, error) {\n\tif b == 0 {\n\t\treturn 0, errors.New("zero")\n\t}\n\treturn a / b, nil\n}',
        (7, 2),
        3,
    ),
    (
        "func f(s string) string {\n\tr := []rune(s)\n\tout := make([]rune, 0)\n\tfor i := len(r) - 1; i >= 0; i-- {\n\t\tout = append(out, r[i])\n\t}\n\treturn string(out)\n}",
        ("abc",),
        "cba",
    ),
    (
        "func f(n int) int {\n\tfib := func(k int) int {\n\t\treturn k * 2\n\t}\n\tfor n < 10 {\n\t\tn = fib(n)\n\t}\n\treturn n\n}",
        (3,),
        12,
    ),
    ("func f(a []int) []int {\n\treturn a[1:3]\n}", ([1, 2, 3, 4],), [2, 3]),
]
RUST = [
    ("fn f(x: f64) -> f64 { x.fract() }", (-3.25,), -0.25),
    (
        "fn f(v: Vec<i32>) -> i32 {\n    let mut t = 0;\n    for x in v.iter() {\n        t += x;\n    }\n    t\n}",
        ([1, 2, 3],),
        6,
    ),
    ("fn f(n: u64) -> u64 { if n < 2 { n } else { f(n - 1) + f(n - 2) } }", (7,), 13),
    ("pub fn f(s: &str) -> String { s.chars().rev().collect() }", ("abc",), "cba"),
    (
        "fn f(n: usize) -> Vec<usize> {\n    let mut r = Vec::new();\n    for i in 0..n {\n        if i % 2 == 1 { r.push(i); }\n    }\n    r\n}",
        (5,),
        [1, 3],
    ),
    (
        'fn f(x: i32) -> &\'static str {\n    match x {\n        0 => "zero",\n        1 | 2 => "few",\n        3..=9 => "some",\n        _ => "many",\n    }\n}',
        (5,),
        "some",
    ),
    (
        'fn f<\'a>(a: &\'a str, n: i32) -> String { let x = if n > 1 { a } else { "one" }; format!("{}-{}", x, n) }',
        ("k", 2),
        "k-2",
    ),
    (
        "fn f(v: &[i32]) -> Option<i32> { let mut best: Option<i32> = None; for &x in v { if let Some(b) = best { if x > b { best = Some(x); } } else { best = Some(x); } } best }",
        ([3, 8, 1],),
        8,
    ),
    (
        "fn f(s: String) -> usize { let mut n = 0; for (i, c) in s.chars().enumerate() { if c.is_uppercase() && i % 2 == 0 { n += 1; } } return n; }",
        ("AbCd",),
        2,
    ),
    (
        "use std::collections::HashMap;\nfn f(v: Vec<i32>) -> HashMap<i32, i32> { let mut m = HashMap::new(); for x in v { *m.entry(x).or_insert(0) += 1; } m }",
        ([1, 1, 2],),
        {1: 2, 2: 1},
    ),
    (
        "fn f(v: Vec<i32>) -> Vec<i32> { v.iter().filter(|&&x| x > 1).map(|x| x * 2).collect::<Vec<i32>>() }",
        ([1, 2, 3],),
        [4, 6],
    ),
    (
        "fn f(mut a: Vec<i32>) -> Vec<i32> { let n = a.len(); for i in 0..n { for j in 0..n - 1 - i { if a[j] > a[j + 1] { a.swap(j, j + 1); } } } a }",
        ([3, 1, 2],),
        [1, 2, 3],
    ),
    (
        "fn f(x: f64) -> i32 { let mut k = 0; loop { if k as f64 > x { break; } k += 1; } k as i32 }",
        (2.5,),
        3,
    ),
]
#: What Python would do otherwise: copies and references, blocks, what is shown, exceptions.
CAREFUL = [
    ("cpp", "bool f(vector<int> v) { vector<int> s = v; sort(s.begin(), s.end()); return s == v; }", ([2, 1],), False),
    ("cpp", "vector<vector<int>> f(int n) { vector<vector<int>> r; vector<int> c; for (int i = 0; i < n; i++) { c.push_back(i); r.push_back(c); } return r; }", (2,), [[0], [0, 1]]),
    ("cpp", "void f(vector<int>& v) { for (auto& x : v) x *= 2; }", ([1, 2],), [2, 4]),
    ("cpp", "string f(string s) { for (char& c : s) c = toupper(c); return s; }", ("ab",), "AB"),
    ("cpp", "string f(string s) { for (auto &c : s) { if (c != 'a') continue; c = 'b'; } return s; }", ("ax",), "bx"),
    ("cpp", "void swap(int &a, int &b) { int t = a; a = b; b = t; }\nvector<int> f(vector<int> v) { swap(v[0], v[1]); return v; }", ([1, 2],), [2, 1]),
    ("cpp", "int f(vector<int> v) { int s = 0; for (auto it = v.begin(); it != v.end(); it += 2) s += *it; return s; }", ([1, 2, 3, 4],), 4),
    ("cpp", "vector<int> f(vector<int> v) { for (auto it = v.begin(); it != v.end();) { if (*it == 1) it = v.erase(it); else ++it; } return v; }", ([1, 1, 2],), [2]),
    ("cpp", "int f(int* a, int n) { int m = *a; for (int i = 1; i < n; ++i) { if (*(a + i) > m) m = *(a + i); } return m; }", ([1, 5, 2],), 5),
    ("c", "int f(void) { int a[] = {1, 2, 3}; int n = sizeof(a) / sizeof(a[0]); int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }", (), 6),
    ("rust", "fn f(mut v: Vec<i32>) -> Vec<i32> { for x in v.iter_mut() { *x *= 2; } v }", ([1, 2],), [2, 4]),
    ("rust", "fn f(mut v: Vec<i32>) -> Vec<i32> { for x in &mut v { *x += 1; } v }", ([1, 2],), [2, 3]),
    ("rust", "fn f(v: &mut Vec<i32>, k: usize) -> Vec<i32> { v.drain(..k).collect() }", ([1, 2, 3], 2), [1, 2]),
    ("rust", "fn f(v: Vec<i32>) -> i32 { let mut m: HashMap<i32, i32> = HashMap::new(); for x in v { let c = m.entry(x).or_insert(0); *c += 1; } m[&1] }", ([1, 1, 2],), 2),
    ("js", "function f(a) { const out = []; const puts = x => out.push(x); puts(a); return out; }", (2,), [2]),
    ("js", "function f(m, a) { m[a.pop()] += 1; return [m, a]; }", ([0, 0, 0], [1, 2]), [[0, 0, 1], [1]]),
    ("js", "function f(a) { const m = {}; for (const x of a) { m[x] = (m[x] || 0) + 1; } return m; }", ([["a"], ["b", "c"]],), {"a": 1, "b,c": 1}),
    ("js", "function f(a) { let i = 1; try { i += a; } finally { i *= 2; } return i; }", (2,), 6),
    ("js", "function f(a) { var r = 1; if (a) { var r = 2; } return r; }", (1,), 2),
    ("java", "public static int f(int x) { int r = 0; try { r = 1 / x; } catch (ArithmeticException e) { r = -1; } finally { r += 10; } return r; }", (0,), 9),
]  # fmt: skip
#: What is left out, or raises, as Python would do something else.
LEFT_OUT = [
    ("js", "function f(a) { let x = 1; if (a) { let x = 2; } return x; }", (1,)),
    ("js", "function f(a) { let i = 7; for (let i = 0; i < 3; i++) {} return i; }", (1,)),
    ("c", "int f(int a) { int x = 1; { int x = a; x++; } return x; }", (5,)),
    ("rust", 'fn f(a: i32) -> i32 { let x = a; { let x = x * 2; println!("{}", x); } x }', (3,)),
    ("go", "func f(a int) int {\n\tx := 1\n\tif a > 0 {\n\t\tx := 2\n\t\tx++\n\t}\n\treturn x\n}", (3,)),
    ("cpp", "void add(string& s, char c) { s += c; }\nstring f(string s) { add(s, 'x'); return s; }", ("a",)),
    ("cpp", "void inc(int& n) { n++; }\nint f(int a) { inc(a); return a; }", (1,)),
    ("cpp", "void f(vector<int>& v) { vector<int> r; r.push_back(v[0]); v = r; }", ([1, 2],)),
    ("cpp", "int f(int a) { auto g = [a](int x) mutable { a += x; return a; }; g(1); return a; }", (1,)),
    ("c", "int f(int n) { static int s = 0; if (n == 0) return s; s += n % 10; return f(n / 10); }", (123,)),
    ("c", "int f(int n) {\n#if 0\n return 1;\n#endif\n return 2; }", (1,)),
    ("c", "#define MAX(a, b) ((a) < (b) ? (a) : (b))\nint f(int n) { return MAX(n, 2); }", (3,)),
    ("c", "#define BIG(x) \\\n int y = x; \\\n return y;\nint f(int n) { return BIG(n); }", (3,)),
    ("c", 'int f(int *a, int n) { int i = 0; printf("%d", a[i++]); return i; }', ([1, 2],)),
    ("js", "function f(a) { console.log(a.pop()); return a; }", ([1, 2],)),
    ("js", "function f(x) { switch (x) { case 1: return 1; default: case 2: return 2; } }", (5,)),
    ("js", "function f(a) { return sort(a); }\nfunction sort(a) { this.a = a; return a; }", ([2, 1],)),
    ("js", "function f(x) { try { throw x; } catch (e) { return e + 1; } }", (4,)),
    ("js", "function f(a) { return a.split('b').length; }", (["abc"],)),
    ("js", "function f(a) { return a.map(x => x + 1); }", ("abc",)),
    ("js", "function f(n) { return tag`x${n}`; }", (1,)),
    ("java", "public static boolean f(String x) { try { return Foo.bar(x); } catch (Exception e) { return false; } }", ("a",)),
    ("java", "public static int f(int x) { try { throw new Exception(); } finally { x++; } }", (5,)),
    ("go", "func g(x int) (int, error) { return x, nil }\nfunc f(x int) int {\n\tv, err := g(x)\n\tif err != nil {\n\t\treturn -1\n\t}\n\treturn v\n}", (5,)),
    ("go", "func f(a []int) []int {\n\tsort.Ints(a[1:])\n\treturn a\n}", ([3, 2, 1],)),
    ("rust", "fn f(mut v: Vec<i32>) -> Vec<i32> { v[1..].sort(); v }", ([3, 2, 1],)),
    ("rust", "fn f(mut v: Vec<i32>) -> Vec<i32> { v.iter_mut().for_each(|x| *x *= 2); v }", ([1, 2],)),
    ("rust", "fn c(x: i32) -> Option<i32> { if x > 0 { Some(x) } else { None } }\nfn f(a: i32) -> Option<i32> { c(a)?; Some(5) }", (-1,)),
    ("rust", "fn f(a: u32, b: u32) -> Option<u32> { a.checked_sub(b) }", (1, 2)),
    ("cpp", "int f(int* a, int n) { return a[0]; }", ("abc",)),
    ("cpp", "int f(string s) { return s.size(); }", ([1],)),
    ("java", "public static int f(int n) { return n; }", ("abc",)),
]  # fmt: skip
CASES = [
    (tag, *case)
    for tag, cases in (("js", JS), ("c", C), ("cpp", CPP), ("java", JAVA), ("go", GO), ("rust", RUST))
    for case in cases
    if case[1] is not None
] + CAREFUL


@pytest.mark.parametrize(("tag", "code", "arguments", "expected"), CASES, ids=lambda one: str(one)[:40])
def test_a_function_gives_what_it_gives_in_its_own_language(tag, code, arguments, expected, monkeypatch):
    monkeypatch.setitem(sys.modules, "foreign", foreign)
    program = translated(code, tag)
    space: dict[str, object] = {"__name__": "solution"}
    exec(compile(program, "solution", "exec"), space)
    assert space["f"](*arguments) == expected


@pytest.mark.parametrize(("tag", "code", "arguments"), LEFT_OUT, ids=lambda one: str(one)[:40])
def test_what_python_would_do_otherwise_is_left_out_or_raises(tag, code, arguments, monkeypatch):
    monkeypatch.setitem(sys.modules, "foreign", foreign)
    space: dict[str, object] = {"__name__": "solution"}
    exec(compile(translated(code, tag), "solution", "exec"), space)
    if "f" in space:
        with pytest.raises(Exception):  # noqa: B017,PT011 - which one says nothing
            space["f"](*arguments)


@pytest.mark.parametrize(
    "text",
    [
        "function f(a) {" + "(" * 1_250 + ")" * 1_250 + "}",
        "int f(int a) {" + "{" * 12_500 + "}" * 12_500,
        "{" * 25_000,
        "int f(int a) { return a" + " + a" * 5_000 + "; }",
        "int f(int a) { return a" + ".b()" * 5_000 + "; }",
        "function f() { return '" + "a" * 25_000,
        "function f() { return `" + "${" * 7_500,
        "if (a) {} else " * 1_250
        + "function f(a) { "
        + "if (a) { return 1; } else " * 750
        + "{ return 2; } }",
        "int f(int a) { for (;;) " * 750,
        "fn f(a: " + "Vec<" * 5_000,
        "func f(a " + "[]" * 7_500 + "int) { return a }",
        "int f(" + "int a, " * 2_500 + "int b) { return a; }",
        "int f(int a) { switch (a) { " + "case 1: " * 2_500 + "} }",
        "public int f(int a) { return " + "(int) " * 2_500 + "a; }",
        "const f = " + "(a) => " * 2_500 + "a;",
        "int f(int a) { for (int i = 0; i < 3; i++"
        + ", i++" * 300
        + ") { "
        + "if (a) continue; " * 750
        + "} }",
        "int f(int a) { a" + " < a" * 2_500 + "; }",
        "f(" * 7_500 + "{\n" * 250,
        "return a;\n}\n" * 1_250,
        "/*" * 12_500 + "\nint f(int a) {\n",
    ],
    ids=lambda text: text[:30],
)
@pytest.mark.parametrize("tag", ["c", "js", "rust"])
@pytest.mark.timeout(120)  # what takes the square of its length takes minutes
def test_hostile_code_ends(text, tag):
    translated(text, tag)


PARTS = st.sampled_from(
    [
        *"(){}[]<>;,.:?!&|*-+=/%'\"`\\ \n",
        "int ",
        "f",
        "a",
        "function ",
        "func ",
        "fn ",
        "return ",
        "if ",
        "for ",
    ]
    + ["else ", "while ", "switch ", "match ", "case ", "=>", "->", "::", "let ", "const ", "vector<int> "]
    + ["1", "'a'", '"s"', "do ", "range ", "in ", "new ", "map[", "string ", "void ", "continue;", "break;"]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(PARTS, max_size=60), st.sampled_from(["c", "cpp", "java", "js", "go", "rust", ""]))
def test_no_code_makes_it_raise(parts, tag):
    code = "".join(parts)
    translated(code, tag)
    translated(f"int f(int a) {{ {code} }}", tag)
    translated(f"func f(a int) int {{ {code} }}", tag)
    translated(f"fn f(a: i32) {{ {code} }}", tag)
    translated(f"function f(a) {{ {code} }}", tag)
    programs(code, "`int f(int a)`")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["c", "cpp", "java", "js", "go", "rust", ""]))
def test_no_text_makes_it_raise(text, tag):
    translated(text, tag)
    programs(text, text)


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("```js\nclass A { constructor(x) { this.x = x; } get() { return this.x; } }\n```\n", 1),
        ("```c\nint add(void *p) {\n    goto end;\n    end: return 1;\n}\n```\n", 1),
        ("```js\nfunction f(a) { return a; }\n```\n", 0),
        ("```js\nlet x = {a: 1};\n```\n", 0),
        ("```css\np { color: red; }\n```\nUse {braces}.", 0),
    ],
)
def test_what_is_not_translated_is_counted(text, unread):
    """Functions of which nothing can be run are told, so that they do not count as looked at."""
    assert programs(text)[1] == unread


@pytest.mark.parametrize("name", ["eval", "\uff45val", "T_", "F_", "def", "__import__"])
def test_no_function_takes_a_name_that_means_something(name):
    program = translated(f"function {name}(a) {{ return a; }}", "js")
    assert f"\ndef {name}(" not in program
    assert "_of(a_0):" in program
