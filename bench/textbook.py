"""The exercises of every textbook, so that `bench/common_code.py` can count what is common in them.

A benchmark item that is one of these says nothing by its code alone. Each is written as beginners' books do.
"""


def add(a, b):
    return a + b


def square(n):
    return n * n


def larger(a, b):
    if a > b:
        return a
    return b


def largest(numbers):
    best = numbers[0]
    for number in numbers:
        if number > best:
            best = number
    return best


def smallest(numbers):
    best = numbers[0]
    for i in range(1, len(numbers)):
        if numbers[i] < best:
            best = numbers[i]
    return best


def total(numbers):
    result = 0
    for number in numbers:
        result += number
    return result


def total_of_list(numbers):
    return sum(numbers)


def product(numbers):
    result = 1
    for number in numbers:
        result *= number
    return result


def average(numbers):
    return sum(numbers) / len(numbers)


def median(numbers):
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    if len(ordered) % 2 == 0:
        return (ordered[middle - 1] + ordered[middle]) / 2
    return ordered[middle]


def length(text):
    return len(text)


def length_by_counting(text):
    count = 0
    for _ in text:
        count += 1
    return count


def is_even(n):
    return n % 2 == 0


def even_numbers(numbers):
    return [number for number in numbers if number % 2 == 0]


def sum_of_even_numbers(numbers):
    result = 0
    for number in numbers:
        if number % 2 == 0:
            result += number
    return result


def positive_numbers(numbers):
    return [number for number in numbers if number > 0]


def squares(numbers):
    return [number**2 for number in numbers]


def factorial(n):
    if n == 0:
        return 1
    return n * factorial(n - 1)


def factorial_by_loop(n):
    result = 1
    for i in range(1, n + 1):
        result *= i
    return result


def fibonacci(n):
    if n == 0:
        return 0
    if n == 1:
        return 1
    return fibonacci(n - 1) + fibonacci(n - 2)


def fibonacci_short(n):
    if n <= 1:
        return n
    return fibonacci_short(n - 1) + fibonacci_short(n - 2)


def fibonacci_by_loop(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def fibonacci_list(n):
    found = [0, 1]
    for i in range(2, n):
        found.append(found[i - 1] + found[i - 2])
    return found


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


def gcd_recursive(a, b):
    if b == 0:
        return a
    return gcd_recursive(b, a % b)


def lcm(a, b):
    return a * b // gcd(a, b)


def is_prime(n):
    if n < 2:
        return False
    for i in range(2, n):
        if n % i == 0:
            return False
    return True


def is_prime_to_the_root(n):
    if n <= 1:
        return False
    for i in range(2, int(n**0.5) + 1):
        if n % i == 0:
            return False
    return True


def primes_up_to(n):
    found = []
    for i in range(2, n + 1):
        if is_prime(i):
            found.append(i)
    return found


def prime_factors(n):
    found = []
    i = 2
    while i * i <= n:
        while n % i == 0:
            found.append(i)
            n //= i
        i += 1
    if n > 1:
        found.append(n)
    return found


def divisors(n):
    return [i for i in range(1, n + 1) if n % i == 0]


def digit_sum(n):
    return sum(int(digit) for digit in str(n))


def digit_sum_by_loop(n):
    result = 0
    while n > 0:
        result += n % 10
        n //= 10
    return result


def power(base, exponent):
    result = 1
    for _ in range(exponent):
        result *= base
    return result


def to_binary(n):
    result = ""
    while n > 0:
        result = str(n % 2) + result
        n //= 2
    return result


def reverse(text):
    return text[::-1]


def reverse_by_loop(text):
    result = ""
    for letter in text:
        result = letter + result
    return result


def is_palindrome(text):
    return text == text[::-1]


def is_palindrome_by_loop(text):
    for i in range(len(text)):
        if text[i] != text[len(text) - 1 - i]:
            return False
    return True


def is_palindrome_by_pointers(text):
    left, right = 0, len(text) - 1
    while left < right:
        if text[left] != text[right]:
            return False
        left += 1
        right -= 1
    return True


def count_vowels(text):
    count = 0
    for letter in text:
        if letter in "aeiouAEIOU":
            count += 1
    return count


def without_vowels(text):
    return "".join([letter for letter in text if letter.lower() not in "aeiou"])


def count_words(text):
    return len(text.split())


def word_counts(text):
    counts = {}
    for word in text.split():
        if word in counts:
            counts[word] += 1
        else:
            counts[word] = 1
    return counts


def reverse_words(text):
    return " ".join(text.split()[::-1])


def longest_word(words):
    longest = ""
    for word in words:
        if len(word) > len(longest):
            longest = word
    return longest


def are_anagrams(a, b):
    return sorted(a) == sorted(b)


def swap_case(text):
    result = ""
    for letter in text:
        if letter.isupper():
            result += letter.lower()
        else:
            result += letter.upper()
    return result


def join(a, b):
    return a + " " + b


def joined(words):
    return "".join(words)


def unique(numbers):
    return list(set(numbers))


def unique_in_order(numbers):
    result = []
    for number in numbers:
        if number not in result:
            result.append(number)
    return result


def common_elements(a, b):
    return [one for one in a if one in b]


def common_elements_as_set(a, b):
    return list(set(a) & set(b))


def sort_descending(numbers):
    return sorted(numbers, reverse=True)


def bubble_sort(numbers):
    for i in range(len(numbers)):
        for j in range(len(numbers) - i - 1):
            if numbers[j] > numbers[j + 1]:
                numbers[j], numbers[j + 1] = numbers[j + 1], numbers[j]
    return numbers


def selection_sort(numbers):
    for i in range(len(numbers)):
        least = i
        for j in range(i + 1, len(numbers)):
            if numbers[j] < numbers[least]:
                least = j
        numbers[i], numbers[least] = numbers[least], numbers[i]
    return numbers


def linear_search(numbers, wanted):
    for i in range(len(numbers)):
        if numbers[i] == wanted:
            return i
    return -1


def binary_search(numbers, wanted):
    low, high = 0, len(numbers) - 1
    while low <= high:
        middle = (low + high) // 2
        if numbers[middle] == wanted:
            return middle
        if numbers[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return -1


def has_pair_with_sum(numbers, wanted):
    for i in range(len(numbers)):
        for j in range(i + 1, len(numbers)):
            if numbers[i] + numbers[j] == wanted:
                return True
    return False


def is_sorted(numbers):
    for i in range(len(numbers) - 1):
        if numbers[i] > numbers[i + 1]:
            return False
    return True


def flatten(rows):
    return [one for row in rows for one in row]


def count_occurrences(numbers, wanted):
    count = 0
    for number in numbers:
        if number == wanted:
            count += 1
    return count


def celsius(fahrenheit):
    return (fahrenheit - 32) * 5 / 9


def circle_area(radius):
    return 3.14159 * radius * radius


def triangle_area(base, height):
    return base * height / 2


def is_leap_year(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def fizz_buzz(n):
    for i in range(1, n + 1):
        if i % 3 == 0 and i % 5 == 0:
            print("FizzBuzz")
        elif i % 3 == 0:
            print("Fizz")
        elif i % 5 == 0:
            print("Buzz")
        else:
            print(i)


def balanced(text):
    stack = []
    for letter in text:
        if letter == "(":
            stack.append(letter)
        elif letter == ")":
            if not stack:
                return False
            stack.pop()
    return len(stack) == 0


def caesar(text, shift):
    result = ""
    for letter in text:
        if letter.isalpha():
            result += chr((ord(letter) - ord("a") + shift) % 26 + ord("a"))
        else:
            result += letter
    return result
